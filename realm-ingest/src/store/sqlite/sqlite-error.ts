/**
 * SQLite's errors as the store's.
 *
 * @module
 */
import { RealmTelemetryError } from 'opentelemetry-exporter-realm/wire';
import { StoreError } from '../store-error.js';

/** SQLite's primary result codes that need words of their own; all others may pass, and are tried again. */
const SQLITE_READONLY = 8;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

/** What libsql throws where a file cannot be opened; it has SQLite's result code in its text only. */
const CONNECTION_FAILED = /^ConnectionFailed\(".*: (\d+)"\)$/s;

/**
 * Makes a `StoreError` of whatever was thrown while a database was used.
 *
 * What is not known to last is retryable: a full disk, a lock, an I/O error, a missing permission are mended from
 * outside, and the clients wait.
 */
export function toStoreError(error: unknown, path: string): StoreError {
  if (RealmTelemetryError.isError(error) && error instanceof StoreError) return error;
  const { message, resultCode } = readError(error);
  if (resultCode === SQLITE_CORRUPT || resultCode === SQLITE_NOTADB) {
    return new StoreError(
      'store-corrupt',
      `${path}: ${message}. Stop realm-ingest, keep a copy of the file and its -wal, and see what "sqlite3 FILE ` +
        '.recover" gives back; devices go on keeping what has not been acknowledged',
      { cause: error, retryable: false },
    );
  }
  const code = resultCode === SQLITE_FULL ? 'store-full' : 'store-unavailable';
  const isForbidden = resultCode === SQLITE_READONLY || resultCode === SQLITE_CANTOPEN;
  const advice = isForbidden ? '. This user must be able to read and write the file and its directory' : '';
  return new StoreError(code, `${path}: ${message}${advice}`, { cause: error, retryable: true });
}

function readError(error: unknown): { message: string; resultCode: number | undefined } {
  const message = error instanceof Error ? error.message : String(error);
  const rawCode = (error as { rawCode?: unknown } | null)?.rawCode;
  if (typeof rawCode === 'number') return { message, resultCode: rawCode & 0xff };
  const code = CONNECTION_FAILED.exec(message)?.[1];
  if (code === undefined) return { message, resultCode: undefined };
  return { message: `it cannot be opened (SQLite error ${code})`, resultCode: Number(code) & 0xff };
}
