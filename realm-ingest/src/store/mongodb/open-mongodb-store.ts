import type { MongoClient, MongoClientOptions } from 'mongodb';
import type { Store, StoreMode } from '../store.js';
import { defaultTiming, type CommandTiming } from './command-timing.js';
import { loadDriver, type LoadDriver } from './driver.js';
import { IndexBuilding, type IndexBuildingOptions } from './index-building.js';
import { MongodbDatabase } from './mongodb-database.js';
import { toStoreError } from './mongodb-error.js';
import { MongodbStore } from './mongodb-store.js';
import { parseMongodbUrl } from './mongodb-url.js';
import { openClient } from './open-client.js';
import { OutageWait } from './outage-wait.js';
import { createOwnIndexes } from './own-indexes.js';
import { RenewableClient } from './renewable-client.js';
import { requireUsable } from './usable-collections.js';

export interface MongodbStoreOptions extends IndexBuildingOptions {
  readonly url: string;
  readonly mode: StoreMode;
  readonly maxDeadLetterBytes: number;
  /** Ends the waiting. */
  readonly signal: AbortSignal | undefined;
  /** Default: the package `mongodb`. */
  readonly loadDriver?: LoadDriver;
  /** Default: {@link defaultTiming}. */
  readonly timing?: Partial<CommandTiming>;
}

/**
 * Opens a store in one MongoDB database. `serve` waits for a MongoDB that is down, and says so, and so does its store when
 * it is asked for the secret; the other modes fail.
 *
 * @throws InvalidOptionError for a connection string that cannot be used
 * @throws StoreError where the driver is missing, MongoDB does not let us in, or a collection cannot be used
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
  const outage = mode === 'serve' ? new OutageWait({ name, logger, signal }) : undefined;
  const attempt = async (): Promise<Store> => {
    signal?.throwIfAborted();
    const database = openDatabase();
    const building = new IndexBuilding(() => openDatabase({ maxPoolSize: 1, socketTimeoutMS: 0 }));
    const giveUp = (): void => void Promise.all([database.close(), building.close()]);
    signal?.addEventListener('abort', giveUp);
    try {
      await prepare(database, building, options);
      signal?.throwIfAborted();
      return new MongodbStore(database, { ...options, building, outage });
    } catch (error) {
      await Promise.all([database.close(), building.close()]);
      throw toStoreError(error, name);
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  };
  return outage === undefined ? attempt() : outage.until(attempt);
}

async function prepare(
  database: MongodbDatabase,
  building: IndexBuilding,
  options: MongodbStoreOptions,
): Promise<void> {
  await database.run('scan', 'connect', () => database.client.connect());
  if (options.mode === 'read') return;
  if (options.mode === 'serve') await requireUsable(database, options.names.all, options.logger);
  await createOwnIndexes(database);
  if (options.mode === 'serve') await building.start(options);
}
