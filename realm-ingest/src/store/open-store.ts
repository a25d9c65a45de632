/**
 * Opens stores by URL.
 *
 * @module
 */
import { resolve } from 'node:path';
import { InvalidOptionError } from 'opentelemetry-exporter-realm/wire';
import type { Logger } from '../logger.js';
import { resolveCollectionNames, type StoredClasses } from './collection-names.js';
import { openMongodbStore } from './mongodb/open-mongodb-store.js';
import { openSqliteStore } from './sqlite/sqlite-store.js';
import type { Store, StoreMode } from './store.js';

/**
 * `serve` prepares the collections of the stored classes: SQL views in SQLite, indexes in MongoDB. Give the same
 * `collections` to whatever makes the documents.
 */
export interface OpenStoreOptions extends StoredClasses {
  readonly mode: StoreMode;
  /** Limit for all dead letters: 1 KiB for each, and the bytes of their changesets. Default: 1 GiB. */
  readonly maxDeadLetterBytes?: number;
  /** SQLite: how long to wait for another process's lock. Default: 5000. */
  readonly busyTimeoutMillis?: number;
  /** MongoDB: whether `serve` indexes every attribute of spans and log records. Default: false. */
  readonly indexAttributes?: boolean | undefined;
  /**
   * MongoDB: seconds after which a stored document is deleted. `serve` applies it to existing documents too. Default: never.
   */
  readonly retentionSeconds?: number | undefined;
  /** MongoDB: logs that `serve` waits for MongoDB or for indexes, and that the client was replaced. */
  readonly logger?: Pick<Logger, 'info' | 'warn'>;
  /** MongoDB: ends the wait of `serve`; `openStore`, or the call that waits, then rejects. */
  readonly signal?: AbortSignal;
}

const expected =
  'sqlite:PATH, such as sqlite:telemetry.db, or mongodb://HOST/DATABASE, or mongodb+srv://HOST/DATABASE';

/**
 * Opens a store.
 *
 * `sqlite:PATH` is a file. The path is taken literally, without decoding; a relative path starts from the working
 * directory. `sqlite:///PATH` is the absolute `/PATH`. The directory must exist.
 *
 * `mongodb:` and `mongodb+srv:` are MongoDB's connection strings, with a database; they need the package `mongodb`.
 *
 * @param url - may contain a password: errors quote only its scheme
 * @throws InvalidOptionError for an unknown URL, or an option out of range
 * @throws StoreError if the store cannot be opened
 */
export async function openStore(url: string, options: OpenStoreOptions): Promise<Store> {
  const scheme = /^[a-z][a-z0-9+.-]*:/iu.exec(url)?.[0].toLowerCase();
  const isMongodb = scheme === 'mongodb:' || scheme === 'mongodb+srv:';
  if (scheme !== 'sqlite:' && !isMongodb) {
    throw new InvalidOptionError('store', scheme === undefined ? url : `${scheme}…`, expected);
  }
  const { mode, maxDeadLetterBytes = 2 ** 30, busyTimeoutMillis = 5000 } = options;
  const { retentionSeconds, indexAttributes = false, logger, signal } = options;
  requireCount('maxDeadLetterBytes', maxDeadLetterBytes);
  requireCount('busyTimeoutMillis', busyTimeoutMillis);
  if (isMongodb) {
    if (retentionSeconds !== undefined) requireRetention(retentionSeconds);
    return openMongodbStore({
      ...{ url, mode, maxDeadLetterBytes, retentionSeconds, indexAttributes, logger, signal },
      names: resolveCollectionNames(options),
    });
  }
  refuseMongodbOptions(options);
  const path = sqlitePath(url);
  return openSqliteStore({
    ...{ path, mode, maxDeadLetterBytes, classPrefix: options.classPrefix ?? '', busyTimeoutMillis },
  });
}

/** @throws InvalidOptionError for an option that SQLite does not have */
function refuseMongodbOptions({
  retentionSeconds,
  indexAttributes,
  collections = {},
}: OpenStoreOptions): void {
  if (retentionSeconds !== undefined) {
    const expected = 'a MongoDB store; SQLite deletes nothing by itself';
    throw new InvalidOptionError('retention', retentionSeconds, expected);
  }
  if (indexAttributes === true) {
    const expected =
      'a MongoDB store; in SQLite, index the attributes that you query: CREATE INDEX … ON documents (…)';
    throw new InvalidOptionError('indexAttributes', indexAttributes, expected);
  }
  const [className] = Object.keys(collections);
  if (className !== undefined) {
    const expected =
      'a MongoDB store; in SQLite, a view gives another name: CREATE VIEW traces AS SELECT * FROM Span';
    throw new InvalidOptionError('collections', className, expected);
  }
}

function sqlitePath(url: string): string {
  let path = url.slice('sqlite:'.length);
  if (path.startsWith('//')) {
    if (!path.startsWith('///')) {
      throw new InvalidOptionError('store', url, `${expected}; a SQLite URL has no host`);
    }
    path = path.slice(2);
  }
  if (path === '' || path === ':memory:' || /[/\\]$/u.test(path) || path.includes('\0')) {
    throw new InvalidOptionError('store', url, `${expected}; it must be a file on disk`);
  }
  return resolve(path);
}

/** MongoDB's limit is 31 bits. */
function requireRetention(seconds: number): void {
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 2 ** 31 - 1) {
    throw new InvalidOptionError('retention', seconds, 'from 1 second to 68 years');
  }
}

function requireCount(option: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new InvalidOptionError(option, value, 'an integer, 0 or more');
  }
}
