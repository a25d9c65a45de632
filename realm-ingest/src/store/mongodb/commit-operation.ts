import { isRetryResolved, toCommitResult, type Commit } from '../commit.js';
import { letterWriter, type NewDeadLetter } from '../new-dead-letter.js';
import type { ChangesetDocuments, ClientFile, CommitResult, Rejection } from '../store.js';
import { addChangeset, addDeadLetters, deleteDeadLetter, hexOf } from './dead-letter-collection.js';
import type { DeadLetterRoom } from './dead-letter-room.js';
import { findConflicts } from './find-conflicts.js';
import { insertDocuments } from './insert-documents.js';
import type { MongodbDatabase } from './mongodb-database.js';
import { isDuplicateKey } from './mongodb-error.js';

/**
 * Writes one commit: documents, then dead letters, then progress, each durable on a majority before the next. It needs no
 * transaction: any process may repeat each of these writes.
 *
 * @throws StoreError `store-dead-letters-full` if the commit's dead letters do not fit: before anything is written, unless
 *   conflicts add them
 */
export async function commitUpload(
  database: MongodbDatabase,
  room: DeadLetterRoom,
  commit: Commit,
): Promise<CommitResult> {
  const writers = commit.changesets.map((changeset) => letterWriter(commit, changeset));
  const lettersOf = (rejectionsOf: (changeset: ChangesetDocuments) => readonly Rejection[]) =>
    writers.flatMap((toLetter, place) => {
      const changeset = commit.changesets[place];
      return changeset === undefined ? [] : rejectionsOf(changeset).map(toLetter);
    });
  await room.reserve(lettersOf(({ rejections }) => rejections));

  const documents = commit.changesets.flatMap((changeset) => changeset.documents);
  const failures = await insertDocuments(database, documents);
  const conflicts = await findConflicts(database, failures);
  const letters = lettersOf((changeset) => [
    ...changeset.documents.flatMap((document) => conflicts.get(document) ?? []),
    ...changeset.rejections,
  ]);
  if (conflicts.size > 0) await room.reserve(letters);
  const added = await addLetters(database, letters);

  const stored = documents.length - failures.length;
  const outcome = { stored, duplicates: failures.length - conflicts.size, letters, added };
  if (commit.retried !== undefined && isRetryResolved(commit, outcome)) {
    await deleteDeadLetter(database, commit.retried);
  }
  if (commit.file !== undefined) await recordProgress(database, commit.file);
  return toCommitResult(commit, outcome);
}

async function addLetters(
  database: MongodbDatabase,
  letters: readonly NewDeadLetter[],
): Promise<Set<string>> {
  if (letters.length === 0) return new Set();
  const added = await addDeadLetters(database, letters);
  const changesets = new Map(letters.map(({ digest, changeset }) => [hexOf(digest), changeset]));
  for (const [digest, bytes] of changesets) await addChangeset(database, digest, bytes);
  return added;
}

/** User and salt stay as the first commit wrote them; versions never fall. */
async function recordProgress(database: MongodbDatabase, file: ClientFile): Promise<void> {
  const { ident, salt, userId, clientVersion, serverVersion } = file;
  const record = (): Promise<unknown> =>
    database.run('write', 'update of a client file', (options) =>
      database.clientFiles.updateOne(
        { _id: ident },
        { $setOnInsert: { salt, userId }, $max: { clientVersion, serverVersion } },
        { upsert: true, ...options },
      ),
    );
  try {
    await record();
  } catch (error) {
    // Another upload of the file inserted it first.
    if (!isDuplicateKey(error)) throw error;
    await record();
  }
}
