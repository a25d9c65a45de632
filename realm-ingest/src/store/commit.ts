/**
 * The commit rules that both stores share.
 *
 * @module
 */
import type { DeadLetterOrigin, NewDeadLetter } from './new-dead-letter.js';
import type { ChangesetDocuments, ClientFile, CommitRequest, CommitResult, DeadLetter } from './store.js';

/** One commit. */
export interface Commit<Changeset = ChangesetDocuments> extends DeadLetterOrigin {
  readonly changesets: readonly Changeset[];
  /** Undefined for the retry of a dead letter and for a part: these are no progress of the file. */
  readonly file: ClientFile | undefined;
  /** Key of the retried dead letter. */
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

/** The outcome of a commit. */
export interface CommitOutcome {
  readonly stored: number;
  readonly duplicates: number;
  /** In the order of documents and rejections; a key may occur twice. */
  readonly letters: readonly NewDeadLetter[];
  /** Keys of the new letters. */
  readonly added: ReadonlySet<string>;
}

/** Whether to delete the retried dead letter: the retry had a result, and the letter is not part of it. */
export function isRetryResolved({ retried }: Commit<unknown>, outcome: CommitOutcome): boolean {
  const { stored, duplicates, letters } = outcome;
  if (retried === undefined || letters.some(({ key }) => key === retried)) return false;
  return stored + duplicates + letters.length > 0;
}

/** An upload reports only new letters. A retry reports all: they say why something still cannot be stored. */
export function toCommitResult({ retried }: Commit<unknown>, outcome: CommitOutcome): CommitResult {
  const { stored, duplicates, letters, added } = outcome;
  const unreported = new Set(added);
  const deadLetters = letters
    .filter(({ key }) => unreported.delete(key) || retried !== undefined)
    .map(({ className, reason }) => ({ reason, ...(className !== undefined && { className }) }));
  return { stored, duplicates, deadLetters };
}
