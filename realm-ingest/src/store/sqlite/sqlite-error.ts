/**
 * SQLite errors → store errors.
 *
 * @module
 */
import { RealmTelemetryError } from 'opentelemetry-exporter-realm/wire';
import { StoreError } from '../store-error.js';

/** SQLite's primary result codes with special treatment. All others may pass, and are retried. */
const SQLITE_READONLY = 8;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

/** libsql's message for a file that cannot be opened. Only this text has SQLite's result code. */
const CONNECTION_FAILED = /^ConnectionFailed\(".*: (\d+)"\)$/s;

/**
 * Makes a `StoreError` of an error of a database.
 *
 * Every error that may pass is retryable: others must repair a full disk, a lock, an I/O error or a missing permission, and
 * the clients wait.
 */
export function toStoreError(error: unknown, path: string): StoreError {
  if (RealmTelemetryError.isError(error) && error instanceof StoreError) return error;
  const { message, resultCode } = readError(error);
  if (resultCode === SQLITE_CORRUPT || resultCode === SQLITE_NOTADB) {
    return new StoreError(
      'store-corrupt',
      `${path}: ${message}. Stop realm-ingest, copy the file and its -wal, and try to recover it with "sqlite3 FILE ` +
        '.recover". Devices keep all records that have not been acknowledged',
      { cause: error, retryable: false },
    );
  }
  const code = resultCode === SQLITE_FULL ? 'store-full' : 'store-unavailable';
  const isForbidden = resultCode === SQLITE_READONLY || resultCode === SQLITE_CANTOPEN;
  const advice = isForbidden
    ? '. The user of realm-ingest must be able to read and write the file and its directory'
    : '';
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
