import type { ExporterError } from './errors.js';

/** Told about records and errors. It only observes: it decides nothing, and must not throw. */
export interface DeliveryEvents {
  /** The server has acknowledged records. */
  acknowledged(records: number): void;
  /** Records were dropped. `reason` is a stable word, such as `too-old`. */
  dropped(reason: string, records: number): void;
  /** Something went wrong. */
  failed(error: ExporterError): void;
}
