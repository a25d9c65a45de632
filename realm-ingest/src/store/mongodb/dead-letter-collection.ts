/**
 * Dead letters in MongoDB.
 *
 * @module
 */
import { keysBeginningWith } from '../dead-letter-key.js';
import { changesetPieceBytes, type NewDeadLetter } from '../new-dead-letter.js';
import { StoreError } from '../store-error.js';
import type { DeadLetter, DeadLetterSummary } from '../store.js';
import { insertUnlessPresent, runInsert } from './insert-command.js';
import { bytesOf, type DeadLetterRecord, type MongodbDatabase } from './mongodb-database.js';
import { isDuplicateKeyCode } from './mongodb-error.js';
import { pages } from './pages.js';

const lettersPerCommand = 1000;

/**
 * Adds letters, and returns the keys of new ones. Call {@link addChangeset} afterwards in any case: whoever deletes the last
 * letter of a changeset also deletes its bytes, and then checks for letters again.
 */
export async function addDeadLetters(
  database: MongodbDatabase,
  letters: readonly NewDeadLetter[],
): Promise<Set<string>> {
  const added = new Set<string>();
  for (const page of pages(letters, lettersPerCommand)) {
    const records = page.map((letter) => toRecord(database, letter));
    const errors = await runInsert(database, database.deadLetters.collectionName, records);
    for (const { key } of page) added.add(key);
    for (const { index, code, errmsg = '' } of errors) {
      if (!isDuplicateKeyCode(code)) throw new Error(`a dead letter was refused: ${errmsg}`);
      added.delete(page[index]?.key ?? '');
    }
  }
  return added;
}

function toRecord(database: MongodbDatabase, letter: NewDeadLetter): DeadLetterRecord {
  const { key, reason, detail, appId, userId, fileIdent, clientVersion, place, className } = letter;
  return {
    _id: key,
    sequence: new database.driver.BSON.ObjectId(),
    reason,
    detail,
    appId,
    userId,
    fileIdent,
    clientVersion,
    ...(place !== undefined && { place: BigInt(place) }),
    ...(className !== undefined && { className }),
    receivedAt: letter.receivedAt,
    digest: hexOf(letter.digest),
    sizeBytes: letter.sizeBytes,
  };
}

/** A changeset's digest in the form that pieces and letters use. */
export function hexOf(digest: Uint8Array): string {
  return Buffer.from(digest).toString('hex');
}

/** Which of some keys exist. */
export async function findDeadLetterKeys(
  database: MongodbDatabase,
  keys: readonly string[],
): Promise<Set<string>> {
  const found = new Set<string>();
  for (const page of pages(keys, lettersPerCommand)) {
    const records = await database.collect('find dead letters', (options) =>
      database.deadLetters.find({ _id: { $in: page } }, { projection: { _id: 1 }, ...options }),
    );
    for (const { _id } of records) found.add(_id);
  }
  return found;
}

/** Writes the missing pieces of a changeset. */
export async function addChangeset(
  database: MongodbDatabase,
  digest: string,
  bytes: Uint8Array,
): Promise<void> {
  const pieces = await database.collect('find pieces of a changeset', (options) =>
    database.changesetPieces.find(ofDigest(digest), { projection: { _id: 1 }, ...options }),
  );
  const present = pieces.map(({ _id }) => _id);
  for (let piece = 0; piece * changesetPieceBytes < bytes.length; piece += 1) {
    const _id = pieceId(digest, piece);
    if (present.includes(_id)) continue;
    const part = bytes.subarray(piece * changesetPieceBytes, (piece + 1) * changesetPieceBytes);
    const record = { _id, bytes: database.binary(part) };
    await insertUnlessPresent(database, database.changesetPieces.collectionName, record);
  }
}

/** Oldest first, as far as the clocks of several processes agree. */
export async function* listDeadLetters(database: MongodbDatabase): AsyncGenerator<DeadLetterSummary> {
  const records = database.iterate('find dead letters', (options) =>
    database.deadLetters.find({}, options).sort({ sequence: 1 }),
  );
  for await (const record of records) yield toSummary(record);
}

/** Finds a letter by its key or by a unique beginning of it. */
export async function findDeadLetter(
  database: MongodbDatabase,
  key: string,
): Promise<DeadLetter | undefined> {
  const range = keysBeginningWith(key);
  if (range === undefined) return undefined;
  const [record, another] = await database.collect('find a dead letter', (options) =>
    database.deadLetters.find({ _id: { $gte: range.first, $lt: range.end } }, options).limit(2),
  );
  if (record === undefined || another !== undefined) return undefined;
  const changeset = await readChangeset(database, record);
  if (changeset.length !== record.sizeBytes) {
    throw new StoreError('store-unavailable', `the dead letter ${record._id} is being written or deleted`, {
      retryable: true,
    });
  }
  return { ...toSummary(record), changeset };
}

/** Deletes a letter, and with a changeset's last letter the changeset. */
export async function deleteDeadLetter(database: MongodbDatabase, key: string): Promise<boolean> {
  const record = await database.run('write', 'delete of a dead letter', (options) =>
    database.deadLetters.findOneAndDelete({ _id: key }, options),
  );
  if (record === null) return false;
  const { digest } = record;
  if (await hasLetters(database, digest)) return true;
  const changeset = await readChangeset(database, record);
  await database.run('write', 'delete of a changeset', (options) =>
    database.changesetPieces.deleteMany(ofDigest(digest), options),
  );
  // Meanwhile a letter of the same changeset may have been added, and its writer may have found the pieces.
  if (await hasLetters(database, digest)) {
    await addChangeset(database, digest, changeset);
  }
  return true;
}

/** Whether a changeset has dead letters. */
export async function hasLetters(database: MongodbDatabase, digest: string): Promise<boolean> {
  const count = await database.run('read', 'count dead letters', (options) =>
    database.deadLetters.countDocuments({ digest }, { limit: 1, ...options }),
  );
  return count > 0;
}

async function readChangeset(database: MongodbDatabase, record: DeadLetterRecord): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const found = database.iterate('find pieces of a changeset', (options) =>
    database.changesetPieces.find(ofDigest(record.digest), options).sort({ _id: 1 }),
  );
  for await (const { bytes } of found) pieces.push(bytesOf(bytes));
  return new Uint8Array(Buffer.concat(pieces));
}

/** Piece numbers sort as text; a message of 1 GiB has a thousand pieces. */
function pieceId(digest: string, piece: number): string {
  return `${digest}:${String(piece).padStart(6, '0')}`;
}

function ofDigest(digest: string): { _id: { $gte: string; $lt: string } } {
  // `;` follows `:`.
  return { _id: { $gte: `${digest}:`, $lt: `${digest};` } };
}

function toSummary(record: DeadLetterRecord): DeadLetterSummary {
  const {
    _id: key,
    reason,
    detail,
    appId,
    userId,
    fileIdent,
    clientVersion,
    place,
    className,
    receivedAt,
  } = record;
  return {
    key,
    reason,
    detail,
    appId,
    userId,
    fileIdent,
    clientVersion,
    ...(place !== undefined && { place: Number(place) }),
    ...(className !== undefined && { className }),
    receivedAt,
    sizeBytes: record.sizeBytes,
  };
}
