import { ExporterError } from '../errors.js';

/** A record that is no span or log record at all, or whose own properties throw. */
export class UnmappableRecordError extends ExporterError {
  constructor(particulars: string, options?: ErrorOptions) {
    super('unmappable-record', particulars, options);
  }
}
