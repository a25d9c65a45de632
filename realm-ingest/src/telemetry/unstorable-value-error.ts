import type { DeadLetterReason } from '../store/store.js';

/** A Realm value that no document can contain. Thrown and caught within this layer. */
export class UnstorableValueError extends Error {
  readonly reason: DeadLetterReason;

  constructor(reason: Extract<DeadLetterReason, 'unstorable-value' | 'too-deep'>, detail: string) {
    super(detail);
    this.reason = reason;
  }
}
