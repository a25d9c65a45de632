/**
 * SQLite's errors as the store's.
 *
 * @module
 */
import { RealmTelemetryError } from '../../../errors.js';
import { StoreError } from '../store-error.js';

/** SQLite's primary result codes that need words of their own; all others may pass, and are tried again. */
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

/**
 * Makes a `StoreError` of whatever was thrown while a database was used.
 *
 * What is not known to last is retryable: a full disk, a lock, an I/O error, a missing permission are mended from
 * outside, and the clients wait.
 */
export function toStoreError(error: unknown, path: string): StoreError {
  if (RealmTelemetryError.isError(error) && error instanceof StoreError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const rawCode = (error as { rawCode?: unknown } | null)?.rawCode;
  const resultCode = typeof rawCode === 'number' ? rawCode & 0xff : undefined;
  if (resultCode === SQLITE_CORRUPT || resultCode === SQLITE_NOTADB) {
    return new StoreError(
      'store-corrupt',
      `${path}: ${message}. Stop realm-ingest, keep a copy of the file and its -wal, and see what "sqlite3 FILE ` +
        '.recover" gives back; devices go on keeping what has not been acknowledged',
      { cause: error, retryable: false },
    );
  }
  const code = resultCode === SQLITE_FULL ? 'store-full' : 'store-unavailable';
  return new StoreError(code, `${path}: ${message}`, { cause: error, retryable: true });
}
