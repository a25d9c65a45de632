import { IngestError, type ErrorCode } from '../errors.js';

/** A store could not do what it was asked. Nothing was acknowledged on the strength of it. */
export class StoreError extends IngestError {
  /** Whether the same call may succeed later: clients are held back meanwhile. */
  readonly retryable: boolean;
  /** What was wrong, without the table's sentence. */
  readonly particulars: string;

  constructor(code: ErrorCode, particulars: string, options: ErrorOptions & { retryable: boolean }) {
    super(code, particulars, options);
    this.retryable = options.retryable;
    this.particulars = particulars;
  }

  /** Whether it may only mean that the store, or the server that uses it, is being closed. A damaged store is more. */
  get mayComeOfClosing(): boolean {
    return this.retryable || this.code === 'store-closed';
  }
}
