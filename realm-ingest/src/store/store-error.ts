import { IngestError, type ErrorCode } from '../errors.js';

/** An operation of a store failed. Nothing may be acknowledged because of it. */
export class StoreError extends IngestError {
  /** Whether the same call may succeed later; clients are held back until then. */
  readonly retryable: boolean;
  /** What was wrong, without the error table's message. */
  readonly particulars: string;

  constructor(code: ErrorCode, particulars: string, options: ErrorOptions & { retryable: boolean }) {
    super(code, particulars, options);
    this.retryable = options.retryable;
    this.particulars = particulars;
  }

  /** Whether the cause may be that the store or the server is closing. A damaged store is reported in any case. */
  get isExpectedWhileClosing(): boolean {
    return this.retryable || this.code === 'store-closed';
  }
}
