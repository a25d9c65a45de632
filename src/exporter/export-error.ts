import { ExporterError } from '../errors.js';

/** Records of an export were not stored. */
export class ExportError extends ExporterError {
  /** How many records of this export were not stored. */
  readonly failed: number;

  constructor(
    code: 'exporter-shutdown' | 'export-failed',
    failed: number,
    particulars: string,
    options?: ErrorOptions,
  ) {
    super(
      code,
      `${failed} ${failed === 1 ? 'record was' : 'records were'} not stored: ${particulars}`,
      options,
    );
    this.failed = failed;
  }
}
