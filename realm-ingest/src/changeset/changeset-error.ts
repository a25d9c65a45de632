import { IngestError } from '../errors.js';

/** Why a changeset is refused: its bytes are not a changeset, or it has an instruction that asymmetric inserts never make. */
type ChangesetErrorReason = 'bad-changeset' | 'unexpected-instruction';

/** A changeset is refused. It goes to the dead letters as a whole; its client gets no error. */
export class ChangesetError extends IngestError {
  readonly reason: ChangesetErrorReason;
  /** Where in the changeset, in bytes from its start; for an instruction, its type byte. */
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
