import { ExporterError } from '../errors.js';

/** The value is not a span or log record, or one of its properties throws. */
export class UnmappableRecordError extends ExporterError {
  constructor(particulars: string, options?: ErrorOptions) {
    super('unmappable-record', particulars, options);
  }
}
