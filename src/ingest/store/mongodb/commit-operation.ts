import { deadLetterKey, digestChangeset } from '../dead-letter-key.js';
import type { ChangesetDocuments, ClientFile, CommitResult, Rejection } from '../store.js';
import {
  addChangeset,
  addDeadLetters,
  deleteDeadLetter,
  type NewDeadLetter,
} from './dead-letter-collection.js';
import type { DeadLetterRoom } from './dead-letter-room.js';
import { findConflicts } from './find-conflicts.js';
import { insertDocuments } from './insert-documents.js';
import type { MongodbDatabase } from './mongodb-database.js';
import { isDuplicateKey } from './mongodb-error.js';

export interface Commit {
  readonly appId: string;
  readonly userId: string;
  readonly fileIdent: bigint;
  readonly receivedAt: Date;
  readonly changesets: readonly ChangesetDocuments[];
  /** Undefined where a dead letter is retried, or a part is committed: that is no progress of its file. */
  readonly file: ClientFile | undefined;
  /** Key of the dead letter that is retried. */
  readonly retried: string | undefined;
}

/**
 * Writes everything of one commit: documents, then dead letters, then progress, each durable on a majority before the
 * next. There is no transaction, and none is needed: each of these writes may be made again, by any process.
 *
 * @throws StoreError `store-dead-letters-full` where the commit adds dead letters that no longer fit: before anything
 *   is written, if they are known by then
 */
export async function commitUpload(
  database: MongodbDatabase,
  room: DeadLetterRoom,
  commit: Commit,
): Promise<CommitResult> {
  const known = commit.changesets.map(letterWriter(commit));
  await room.take(
    known.flatMap((toLetter, place) => (commit.changesets[place]?.rejections ?? []).map(toLetter)),
  );

  const documents = commit.changesets.flatMap((changeset) => changeset.documents);
  const failures = await insertDocuments(database, documents);
  const conflicts = await findConflicts(database, failures);
  const stored = documents.length - failures.length;
  const duplicates = failures.length - conflicts.size;

  const letters = commit.changesets.flatMap((changeset, place) => {
    const found = changeset.documents.flatMap((document) => conflicts.get(document) ?? []);
    const toLetter = known[place];
    return toLetter === undefined ? [] : [...found, ...changeset.rejections].map(toLetter);
  });
  if (conflicts.size > 0) await room.take(letters);
  const added = await addLetters(database, letters);

  const isResolved =
    stored + duplicates + letters.length > 0 && !letters.some(({ key }) => key === commit.retried);
  if (commit.retried !== undefined && isResolved) await deleteDeadLetter(database, commit.retried);
  if (commit.file !== undefined) await recordProgress(database, commit.file);
  const deadLetters = letters
    // One key twice is one letter.
    .filter(({ key }) => added.delete(key) || commit.retried !== undefined)
    .map(({ rejection: { className, reason } }) => ({
      reason,
      ...(className !== undefined && { className }),
    }));
  return { stored, duplicates, deadLetters };
}

function letterWriter(origin: Commit): (changeset: ChangesetDocuments) => (of: Rejection) => NewDeadLetter {
  return ({ bytes: changeset, clientVersion }) => {
    let digest: Uint8Array | undefined;
    return (rejection) => {
      digest ??= digestChangeset(changeset);
      return {
        key: deadLetterKey(digest, rejection.place, rejection.reason),
        digest: Buffer.from(digest).toString('hex'),
        rejection,
        changeset,
        clientVersion,
        origin,
      };
    };
  };
}

async function addLetters(
  database: MongodbDatabase,
  letters: readonly NewDeadLetter[],
): Promise<Set<string>> {
  if (letters.length === 0) return new Set();
  const added = await addDeadLetters(database, letters);
  const changesets = new Map(letters.map(({ digest, changeset }) => [digest, changeset]));
  for (const [digest, bytes] of changesets) await addChangeset(database, digest, bytes);
  return added;
}

/** User and salt stay as the first commit wrote them; versions never fall. */
async function recordProgress(database: MongodbDatabase, file: ClientFile): Promise<void> {
  const { ident, salt, userId, clientVersion, serverVersion } = file;
  const record = (): Promise<unknown> =>
    database.clientFiles.updateOne(
      { _id: ident },
      { $setOnInsert: { salt, userId }, $max: { clientVersion, serverVersion } },
      { upsert: true },
    );
  try {
    await record();
  } catch (error) {
    // Another upload of the file was faster to insert it.
    if (!isDuplicateKey(error)) throw error;
    await record();
  }
}
