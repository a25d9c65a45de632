/**
 * What both stores make of a request before they write it, and of what they wrote.
 *
 * @module
 */
import type { DeadLetterOrigin, NewDeadLetter } from './new-dead-letter.js';
import type { ChangesetDocuments, ClientFile, CommitRequest, CommitResult, DeadLetter } from './store.js';

/** Everything that one commit writes. */
export interface Commit<Changeset = ChangesetDocuments> extends DeadLetterOrigin {
  readonly changesets: readonly Changeset[];
  /** Undefined where a dead letter is retried, or a part is committed: that is no progress of its file. */
  readonly file: ClientFile | undefined;
  /** Key of the dead letter that is retried. */
  readonly retried: string | undefined;
}

export function commitOfUpload(request: CommitRequest): Commit {
  const { appId, isPart, receivedAt, changesets } = request;
  const { userId, ident: fileIdent } = request.file;
  const file = isPart === true ? undefined : request.file;
  return { appId, userId, fileIdent, receivedAt, changesets, file, retried: undefined };
}

export function commitOfRetry(letter: DeadLetter, changeset: ChangesetDocuments): Commit {
  const { key: retried, appId, userId, fileIdent, receivedAt } = letter;
  return { appId, userId, fileIdent, receivedAt, changesets: [changeset], file: undefined, retried };
}

/** What a commit came to. */
export interface CommitOutcome {
  readonly stored: number;
  readonly duplicates: number;
  /** In the order of what they were made of; a key may be among them twice. */
  readonly letters: readonly NewDeadLetter[];
  /** Keys of those that were not there before. */
  readonly added: ReadonlySet<string>;
}

/** Whether the dead letter that was retried is to go: something came of it, and not itself again. */
export function isRetryResolved({ retried }: Commit<unknown>, outcome: CommitOutcome): boolean {
  const { stored, duplicates, letters } = outcome;
  if (retried === undefined || letters.some(({ key }) => key === retried)) return false;
  return stored + duplicates + letters.length > 0;
}

/** Letters that were there already are no news of an upload; of a retry, all say what still stands in its way. */
export function toCommitResult({ retried }: Commit<unknown>, outcome: CommitOutcome): CommitResult {
  const { stored, duplicates, letters, added } = outcome;
  const untold = new Set(added);
  const deadLetters = letters
    .filter(({ key }) => untold.delete(key) || retried !== undefined)
    .map(({ className, reason }) => ({ reason, ...(className !== undefined && { className }) }));
  return { stored, duplicates, deadLetters };
}
