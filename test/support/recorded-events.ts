import type { DeliveryEvents } from '../../src/delivery-events.js';
import type { ExporterError } from '../../src/errors.js';

/** Records the reported events. */
export class RecordedEvents implements DeliveryEvents {
  acknowledgedRecords = 0;
  readonly drops: [reason: string, records: number][] = [];
  readonly errors: ExporterError[] = [];

  get messages(): string[] {
    return this.errors.map(({ message }) => message);
  }

  acknowledged(records: number): void {
    this.acknowledgedRecords += records;
  }

  dropped(reason: string, records: number): void {
    this.drops.push([reason, records]);
  }

  failed(error: ExporterError): void {
    this.errors.push(error);
  }
}
