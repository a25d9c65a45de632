/**
 * Stores by URL.
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
 * With the classes that are stored, whose collections `serve` prepares: SQL views, MongoDB's indexes. MongoDB has
 * collections of other names (`collections`) where whoever makes the documents is told them, too.
 */
export interface OpenStoreOptions extends StoredClasses {
  readonly mode: StoreMode;
  /** How much dead letters may take, 1 KiB for each and the bytes of their changesets. Default: 1 GiB. */
  readonly maxDeadLetterBytes?: number;
  /** SQLite: how long to wait for a lock that another process holds. Default: 5000. */
  readonly busyTimeoutMillis?: number;
  /** MongoDB: whether every attribute of spans and log records is indexed; `serve` makes it so. Default: false. */
  readonly indexAttributes?: boolean | undefined;
  /**
   * MongoDB: after how many seconds in the store a document is deleted. `serve` makes it so for what is stored already,
   * too. Default: never.
   */
  readonly retentionSeconds?: number | undefined;
  /** MongoDB: is told that `serve` waits for a server that is down, or for indexes, and that a client was replaced. */
  readonly logger?: Pick<Logger, 'info' | 'warn'>;
  /** MongoDB: ends that waiting; `openStore`, or whatever else waits, then rejects. */
  readonly signal?: AbortSignal;
}

const expected =
  'sqlite:PATH, as in sqlite:telemetry.db, or mongodb://HOST/DATABASE, or mongodb+srv://HOST/DATABASE';

/**
 * Opens a store.
 *
 * `sqlite:PATH` is a file; what follows the colon is taken literally, nothing in it is decoded, and a relative path
 * starts from the working directory. `sqlite:///PATH` is the absolute `/PATH`. Its directory must exist.
 *
 * `mongodb:` and `mongodb+srv:` are MongoDB's connection strings, with the database; they take the package `mongodb`.
 *
 * @param url - may hold a password: errors never repeat more than its scheme
 * @throws InvalidOptionError for a URL of no store, or an option out of range
 * @throws StoreError where the store cannot be opened
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

/** @throws InvalidOptionError for what SQLite would not do */
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
      'a MongoDB store; in SQLite, index the attributes that you ask for: CREATE INDEX … ON documents (…)';
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
      throw new InvalidOptionError('store', url, `${expected}; a host cannot be given`);
    }
    path = path.slice(2);
  }
  if (path === '' || path === ':memory:' || /[/\\]$/u.test(path) || path.includes('\0')) {
    throw new InvalidOptionError('store', url, `${expected}: a file, for what is stored must last`);
  }
  return resolve(path);
}

/** MongoDB takes 31 bits. */
function requireRetention(seconds: number): void {
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 2 ** 31 - 1) {
    throw new InvalidOptionError('retention', seconds, 'from 1 second to 68 years');
  }
}

function requireCount(option: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new InvalidOptionError(option, value, 'an integer from 0 on');
  }
}
