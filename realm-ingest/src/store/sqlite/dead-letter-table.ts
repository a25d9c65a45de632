/**
 * Dead letters in SQLite.
 *
 * @module
 */
import { keysBeginningWith } from '../dead-letter-key.js';
import { changesetPieceBytes, type NewDeadLetter } from '../new-dead-letter.js';
import type { DeadLetter, DeadLetterReason, DeadLetterSummary } from '../store.js';
import type { Database, Row } from './database.js';

const lettersPerPage = 500n;

/** Adds a letter and its changeset; returns false if the letter exists. */
export function addDeadLetter(database: Database, letter: NewDeadLetter): boolean {
  const changes = database.run(
    `INSERT INTO dead_letters
       (key, reason, detail, appId, userId, fileIdent, clientVersion, place, className, receivedAt, digest)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    letter.key,
    letter.reason,
    letter.detail,
    letter.appId,
    letter.userId,
    letter.fileIdent,
    letter.clientVersion,
    letter.place === undefined ? null : BigInt(letter.place),
    letter.className ?? null,
    letter.receivedAt.toISOString(),
    letter.digest,
  );
  if (changes > 0) addChangeset(database, letter.digest, letter.changeset);
  return changes > 0;
}

function addChangeset(database: Database, digest: Uint8Array, bytes: Uint8Array): void {
  const changes = database.run(
    'INSERT INTO changesets (digest, sizeBytes) VALUES (?, ?) ON CONFLICT DO NOTHING',
    digest,
    BigInt(bytes.length),
  );
  if (changes === 0) return;
  for (let start = 0, piece = 0n; start < bytes.length; start += changesetPieceBytes, piece += 1n) {
    database.run(
      'INSERT INTO changeset_pieces (digest, piece, bytes) VALUES (?, ?, ?)',
      digest,
      piece,
      bytes.subarray(start, start + changesetPieceBytes),
    );
  }
}

/** The bytes that the dead letters count. */
export function deadLetterUsage(database: Database): number {
  const [usage] = database.all<{ bytes: bigint }>('SELECT bytes FROM dead_letter_usage');
  return Number(usage?.bytes ?? 0n);
}

const summaryColumns = `sequence, key, reason, detail, appId, userId, fileIdent, clientVersion, place, className,
  receivedAt, dead_letters.digest AS digest, sizeBytes`;

export const deadLetterOperations = {
  /** The next letters after a sequence number, and the sequence number of the last one. */
  readDeadLetters(database: Database, after: bigint): { letters: DeadLetterSummary[]; last: bigint } {
    const rows = database.all<LetterRow>(
      `SELECT ${summaryColumns} FROM dead_letters JOIN changesets USING (digest)
       WHERE sequence > ? ORDER BY sequence LIMIT ?`,
      after,
      lettersPerPage,
    );
    return { letters: rows.map(toSummary), last: rows.at(-1)?.sequence ?? after };
  },

  /** Finds a letter by its key or by a unique beginning of it. */
  findDeadLetter(database: Database, key: string): DeadLetter | undefined {
    const range = keysBeginningWith(key);
    if (range === undefined) return undefined;
    const [row, another] = database.all<LetterRow>(
      `SELECT ${summaryColumns} FROM dead_letters JOIN changesets USING (digest)
       WHERE key >= ? AND key < ? LIMIT 2`,
      range.first,
      range.end,
    );
    if (row === undefined || another !== undefined) return undefined;
    return { ...toSummary(row), changeset: readChangeset(database, row) };
  },

  /** Deletes a letter, and with a changeset's last letter the changeset; shrinks the file. */
  deleteDeadLetter(database: Database, key: string): boolean {
    const deleted = database.transaction(
      () => database.run('DELETE FROM dead_letters WHERE key = ?', key) > 0,
    );
    if (deleted) freePages(database);
    return deleted;
  },
};

function readChangeset(database: Database, { digest, sizeBytes }: LetterRow): Uint8Array {
  const bytes = new Uint8Array(Number(sizeBytes));
  for (let start = 0, piece = 0n; start < bytes.length; start += changesetPieceBytes, piece += 1n) {
    const [row] = database.all<{ bytes: Uint8Array }>(
      'SELECT bytes FROM changeset_pieces WHERE digest = ? AND piece = ?',
      digest,
      piece,
    );
    if (row !== undefined) bytes.set(row.bytes, start);
  }
  return bytes;
}

/** Returns free pages to the file system. Not `execute`: each row of this pragma is a step. */
export function freePages(database: Database): void {
  database.all('PRAGMA incremental_vacuum');
}

interface LetterRow extends Row {
  readonly sequence: bigint;
  readonly key: string;
  readonly reason: string;
  readonly detail: string;
  readonly appId: string;
  readonly userId: string;
  readonly fileIdent: bigint;
  readonly clientVersion: bigint;
  readonly place: bigint | null;
  readonly className: string | null;
  readonly receivedAt: string;
  readonly digest: Uint8Array;
  readonly sizeBytes: bigint;
}

function toSummary(row: LetterRow): DeadLetterSummary {
  const { key, detail, appId, userId, fileIdent, clientVersion, place, className } = row;
  return {
    key,
    reason: row.reason as DeadLetterReason,
    detail,
    appId,
    userId,
    fileIdent,
    clientVersion,
    ...(place !== null && { place: Number(place) }),
    ...(className !== null && { className }),
    receivedAt: new Date(row.receivedAt),
    sizeBytes: Number(row.sizeBytes),
  };
}
