import { isRetryResolved, toCommitResult } from '../commit.js';
import { equalDocuments } from '../document-equality.js';
import { deadLettersFull, letterWriter, type NewDeadLetter } from '../new-dead-letter.js';
import type { ClientFile, CommitResult, Rejection } from '../store.js';
import type { Database } from './database.js';
import { addDeadLetter, deadLetterUsage } from './dead-letter-table.js';
import { decodeDocument } from './decode-document.js';
import { jsonFormOf, type JsonForm } from './json-form.js';
import type { EncodedChangeset, EncodedCommit, EncodedDocument } from './worker-messages.js';

/** The commit must be sent again with the bytes of its changesets; see `bytesWanted`. */
export class BytesWantedError extends Error {}

/**
 * Writes one commit. The caller has opened a transaction, and rolls it back if this throws.
 *
 * @throws StoreError `store-dead-letters-full` if the commit's dead letters do not fit
 * @throws BytesWantedError if the commit adds a dead letter and has no bytes
 */
export function commitUpload(
  database: Database,
  commit: EncodedCommit,
  maxDeadLetterBytes: number,
): CommitResult {
  let stored = 0;
  let duplicates = 0;
  const letters: NewDeadLetter[] = [];
  const added = new Set<string>();

  for (const changeset of commit.changesets) {
    let toLetter: ReturnType<typeof letterWriter> | undefined;
    const reject = (rejection: Rejection): void => {
      toLetter ??= letterWriter(commit, withBytes(changeset));
      const letter = toLetter(rejection);
      letters.push(letter);
      if (addDeadLetter(database, letter)) added.add(letter.key);
    };
    for (const document of changeset.documents) {
      if (insertDocument(database, document)) {
        stored += 1;
        continue;
      }
      const conflict = findConflict(database, document);
      if (conflict === undefined) duplicates += 1;
      else reject(conflict);
    }
    changeset.rejections.forEach(reject);
  }

  const outcome = { stored, duplicates, letters, added };
  if (commit.retried !== undefined && isRetryResolved(commit, outcome)) {
    database.run('DELETE FROM dead_letters WHERE key = ?', commit.retried);
  }
  if (added.size > 0 && deadLetterUsage(database) > maxDeadLetterBytes) {
    throw deadLettersFull(maxDeadLetterBytes);
  }
  if (commit.file !== undefined) recordProgress(database, commit.file);
  return toCommitResult(commit, outcome);
}

function withBytes({ clientVersion, bytes }: EncodedChangeset): { clientVersion: bigint; bytes: Uint8Array } {
  if (bytes === undefined) throw new BytesWantedError();
  return { clientVersion, bytes };
}

function insertDocument(database: Database, { collection, key, json }: EncodedDocument): boolean {
  const changes = database.run(
    'INSERT INTO documents (collection, key, document) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    collection,
    key,
    json,
  );
  return changes > 0;
}

/** Why a document was not inserted; undefined if an equal one is stored. */
function findConflict(database: Database, document: EncodedDocument): Rejection | undefined {
  const { collection, key, json, place, className } = document;
  const [row] = database.all<{ document: string }>(
    'SELECT document FROM documents WHERE collection = ? AND key = ?',
    collection,
    key,
  );
  if (row === undefined) {
    const detail = `a unique index that was added to documents refuses the document with the _id ${key}`;
    return { place, className, reason: 'unique-index', detail };
  }
  if (isSame(row.document, json, jsonFormOf(collection))) return undefined;
  const detail = `another document with the _id ${key} is stored in ${collection}`;
  return { place, className, reason: 'id-conflict', detail };
}

function isSame(stored: string, json: string, form: JsonForm): boolean {
  const document = decodeDocument(json, form);
  try {
    return equalDocuments(decodeDocument(stored, form), document);
  } catch {
    // Another program changed the stored document to something else.
    return false;
  }
}

/** User and salt stay as the first commit wrote them; versions never fall. */
function recordProgress(database: Database, file: ClientFile): void {
  database.run(
    `INSERT INTO client_files (ident, salt, userId, clientVersion, serverVersion) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (ident) DO UPDATE SET
       clientVersion = max(clientVersion, excluded.clientVersion),
       serverVersion = max(serverVersion, excluded.serverVersion)`,
    file.ident,
    file.salt,
    file.userId,
    file.clientVersion,
    file.serverVersion,
  );
}
