import type { MongoClient, MongoClientOptions } from 'mongodb';
import type { Store, StoreMode } from '../store.js';
import { defaultTiming, type CommandTiming } from './command-timing.js';
import { loadDriver, type LoadDriver } from './driver.js';
import { IndexBuild, type IndexBuildOptions } from './index-build.js';
import { MongodbDatabase } from './mongodb-database.js';
import { toStoreError } from './mongodb-error.js';
import { MongodbStore } from './mongodb-store.js';
import { parseMongodbUrl } from './mongodb-url.js';
import { openClient } from './open-client.js';
import { createOwnIndexes } from './own-indexes.js';
import { RenewableClient } from './renewable-client.js';
import { StartRetry } from './start-retry.js';
import { requireUsable } from './usable-collections.js';

interface MongodbStoreOptions extends IndexBuildOptions {
  readonly url: string;
  readonly mode: StoreMode;
  readonly maxDeadLetterBytes: number;
  /** Ends the wait for MongoDB. */
  readonly signal: AbortSignal | undefined;
  /** Default: the package `mongodb`. */
  readonly loadDriver?: LoadDriver;
  /** Default: {@link defaultTiming}. */
  readonly timing?: Partial<CommandTiming>;
}

/**
 * Opens a store in one MongoDB database. If MongoDB is down, `serve` logs that and waits, here and when its store loads the
 * secret; other modes fail.
 *
 * @throws InvalidOptionError for an unusable connection string
 * @throws StoreError if the driver is missing, MongoDB refuses access, or a collection cannot be used
 */
export async function openMongodbStore(options: MongodbStoreOptions): Promise<Store> {
  const { url, mode, logger, signal } = options;
  const parsed = parseMongodbUrl(url);
  const { database: name } = parsed;
  const driver = await loadDriver(options.loadDriver);
  const timing = { ...defaultTiming, ...options.timing };
  const openDatabase = (settings?: MongoClientOptions): MongodbDatabase => {
    const open = (): MongoClient => openClient(driver, url, parsed, settings);
    const client = new RenewableClient({ driver, open, databaseName: name, timing, logger });
    return new MongodbDatabase(driver, client, name);
  };
  const startRetry = mode === 'serve' ? new StartRetry({ name, logger, signal }) : undefined;
  const attempt = async (): Promise<Store> => {
    signal?.throwIfAborted();
    const database = openDatabase();
    const build = new IndexBuild(() => openDatabase({ maxPoolSize: 1, socketTimeoutMS: 0 }));
    const giveUp = (): void => void Promise.all([database.close(), build.close()]);
    signal?.addEventListener('abort', giveUp);
    try {
      await prepare(database, build, options);
      signal?.throwIfAborted();
      return new MongodbStore(database, { ...options, build, startRetry });
    } catch (error) {
      await Promise.all([database.close(), build.close()]);
      throw toStoreError(error, name);
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  };
  return startRetry === undefined ? attempt() : startRetry.run(attempt);
}

async function prepare(
  database: MongodbDatabase,
  build: IndexBuild,
  options: MongodbStoreOptions,
): Promise<void> {
  await database.run('scan', 'connect', () => database.client.connect());
  if (options.mode === 'read') return;
  if (options.mode === 'serve') await requireUsable(database, options.names.all, options.logger);
  await createOwnIndexes(database);
  if (options.mode === 'serve') await build.start(options);
}
