import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { StoreError } from '../store-error.js';
import type { StoreMode } from '../store.js';
import { Database } from './database.js';
import { createPrivateFile } from './private-file.js';
import { createPrefixedViews, migrate, readSchemaVersion, schemaVersion } from './schema.js';
import { ServeLock } from './serve-lock.js';
import { toStoreError } from './sqlite-error.js';

/** Validated options of a SQLite store. */
export interface SqliteStoreOptions {
  /** Absolute. */
  readonly path: string;
  readonly mode: StoreMode;
  readonly maxDeadLetterBytes: number;
  readonly classPrefix: string;
  readonly busyTimeoutMillis: number;
}

export interface OpenedDatabase {
  readonly database: Database;
  /** Held while the store is served. */
  readonly lock: ServeLock | undefined;
}

/**
 * Opens a store's file, creates or migrates it if the mode allows that, and configures the connection.
 *
 * @throws StoreError
 */
export function openDatabase(options: SqliteStoreOptions): OpenedDatabase {
  const path = preparePath(options);
  let lock = options.mode === 'serve' ? new ServeLock(path, options.busyTimeoutMillis) : undefined;
  let database: Database | undefined;
  try {
    database = new Database(path, options.busyTimeoutMillis);
    const version = readSchemaVersion(database);
    if (version < schemaVersion) {
      if (options.mode === 'read') {
        throw new StoreError(
          'store-incompatible',
          `${path} has schema version ${version}; run \`serve\` once to migrate it`,
          {
            retryable: false,
          },
        );
      }
      // A command that migrates takes the lock too: no server may run meanwhile.
      lock ??= new ServeLock(path, options.busyTimeoutMillis);
      migrate(database);
    }
    // FULL: in WAL mode, lower levels may lose commits in a power cut.
    database.execute('PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864');
    if (options.mode === 'serve') createPrefixedViews(database, options.classPrefix);
    if (options.mode === 'read') database.execute('PRAGMA query_only = ON');
    if (options.mode !== 'serve') {
      lock?.release();
      lock = undefined;
    }
    return { database, lock };
  } catch (error) {
    database?.close();
    lock?.release();
    throw toStoreError(error, path);
  }
}

/** Resolves symbolic links, so that one file has one lock under all its names. */
function preparePath({ path, mode }: SqliteStoreOptions): string {
  const notFound = (particulars: string) =>
    new StoreError('store-not-found', particulars, { retryable: false });
  try {
    if (!existsSync(path)) {
      if (mode === 'read') throw notFound(`there is no file ${path}`);
      if (!existsSync(dirname(path))) {
        throw notFound(`there is no directory ${dirname(path)}; create it first`);
      }
      createPrivateFile(path);
    }
    const real = realpathSync(path);
    if (!statSync(real).isFile()) throw notFound(`${path} is not a file`);
    return real;
  } catch (error) {
    throw toStoreError(error, path);
  }
}
