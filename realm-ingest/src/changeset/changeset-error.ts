import { IngestError } from '../errors.js';

/** Why a changeset cannot be taken: its bytes are no changeset, or it says what asymmetric inserts never say. */
export type ChangesetErrorReason = 'bad-changeset' | 'unexpected-instruction';

/** A changeset that cannot be taken. It belongs in the dead letters as a whole, and its client is not to blame. */
export class ChangesetError extends IngestError {
  readonly reason: ChangesetErrorReason;
  /** Where in the changeset it went wrong, in bytes from its start; of an instruction, its type byte. */
  readonly offset: number;

  constructor(reason: ChangesetErrorReason, offset: number, particulars: string) {
    super(
      reason === 'bad-changeset' ? 'changeset-syntax' : 'changeset-instruction',
      `${particulars} (byte ${offset})`,
    );
    this.reason = reason;
    this.offset = offset;
  }
}
