/**
 * Dead letters in MongoDB.
 *
 * @module
 */
import { keysBeginningWith } from '../dead-letter-key.js';
import { changesetPieceBytes, type NewDeadLetter } from '../new-dead-letter.js';
import { StoreError } from '../store-error.js';
import type { DeadLetter, DeadLetterReason, DeadLetterSummary } from '../store.js';
import { insertUnlessPresent, runInsert } from './insert-command.js';
import { bytesOf, type DeadLetterRecord, type MongodbDatabase } from './mongodb-database.js';
import { isDuplicateKeyCode } from './mongodb-error.js';

const lettersPerCommand = 1000;

/**
 * Adds letters, and returns the keys of those that were not there. {@link addChangeset} comes after it, whatever it
 * returns: who deletes the last letter of a changeset takes its bytes along, and looks for letters once more after that.
 */
export async function addDeadLetters(
  database: MongodbDatabase,
  letters: readonly NewDeadLetter[],
): Promise<Set<string>> {
  const added = new Set<string>();
  for (let start = 0; start < letters.length; start += lettersPerCommand) {
    const page = letters.slice(start, start + lettersPerCommand);
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

/** The digest of a changeset as its pieces and letters are found by. */
export function hexOf(digest: Uint8Array): string {
  return Buffer.from(digest).toString('hex');
}

/** Those of some keys that letters have. */
export async function findDeadLetterKeys(
  database: MongodbDatabase,
  keys: readonly string[],
): Promise<Set<string>> {
  const found = new Set<string>();
  for (let start = 0; start < keys.length; start += lettersPerCommand) {
    const page = keys.slice(start, start + lettersPerCommand);
    const records = await database.collect('find dead letters', (options) =>
      database.deadLetters.find({ _id: { $in: page } }, { projection: { _id: 1 }, ...options }),
    );
    for (const { _id } of records) found.add(_id);
  }
  return found;
}

/** Writes those pieces of a changeset that are not there. */
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

/** Oldest first: in the order in which they were added, as far as the clocks of several processes agree. */
export async function* listDeadLetters(database: MongodbDatabase): AsyncGenerator<DeadLetterSummary> {
  const records = database.iterate('find dead letters', (options) =>
    database.deadLetters.find({}, options).sort({ sequence: 1 }),
  );
  for await (const record of records) yield toSummary(record);
}

/** By key or by a beginning of one that no other has. */
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

/** Deletes a letter, and its changeset with the last letter of it. */
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
  // A letter of the same changeset may have been added meanwhile, and have found its pieces there.
  if (await hasLetters(database, digest)) {
    await addChangeset(database, digest, changeset);
  }
  return true;
}

/** Whether any dead letter came of the changeset of a digest. */
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

/** Numbers of pieces sort as texts; a message of 1 GiB has a thousand. */
function pieceId(digest: string, piece: number): string {
  return `${digest}:${String(piece).padStart(6, '0')}`;
}

function ofDigest(digest: string): { _id: { $gte: string; $lt: string } } {
  // The end is the character after the colon.
  return { _id: { $gte: `${digest}:`, $lt: `${digest};` } };
}

function toSummary(record: DeadLetterRecord): DeadLetterSummary {
  const { _id: key, detail, appId, userId, fileIdent, clientVersion, place, className, receivedAt } = record;
  return {
    key,
    reason: record.reason as DeadLetterReason,
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
