import { setTimeout as delay } from 'node:timers/promises';
import type { MongoClientOptions } from 'mongodb';
import type { StoreError } from '../store-error.js';
import type { Store, StoreMode } from '../store.js';
import { loadDriver, type LoadDriver } from './driver.js';
import { IndexBuilding, type IndexBuildingOptions } from './index-building.js';
import { MongodbDatabase } from './mongodb-database.js';
import { isAccessRefused, toStoreError } from './mongodb-error.js';
import { MongodbStore } from './mongodb-store.js';
import { parseMongodbUrl } from './mongodb-url.js';
import { openClient } from './open-client.js';
import { createOwnIndexes } from './own-indexes.js';
import { requireUsable } from './usable-collections.js';

export interface MongodbStoreOptions extends IndexBuildingOptions {
  readonly url: string;
  readonly mode: StoreMode;
  readonly maxDeadLetterBytes: number;
  /** Ends the waiting. */
  readonly signal: AbortSignal | undefined;
  /** Default: the package `mongodb`. */
  readonly loadDriver?: LoadDriver;
}

/** Between two attempts to reach a MongoDB that is down, each of which takes its time as well. */
const retryMillis = 2000;

/** How often it is said that a MongoDB is waited for. */
const lineMillis = 60_000;

/**
 * Opens a store in one MongoDB database. `serve` waits for a MongoDB that is down, and says so; the other modes fail.
 *
 * @throws InvalidOptionError for a connection string that cannot be used
 * @throws StoreError where the driver is missing, MongoDB does not let us in, or a collection cannot be used
 */
export async function openMongodbStore(options: MongodbStoreOptions): Promise<Store> {
  const { url, mode, logger, signal } = options;
  const parsed = parseMongodbUrl(url);
  const driver = await loadDriver(options.loadDriver);
  let toldAt = Number.NEGATIVE_INFINITY;
  for (;;) {
    const open = (settings?: MongoClientOptions): MongodbDatabase =>
      new MongodbDatabase(driver, openClient(driver, url, parsed, settings), parsed.database);
    const database = open();
    const building = new IndexBuilding(() => open({ maxPoolSize: 1, socketTimeoutMS: 0 }));
    let failure: StoreError;
    try {
      await prepare(database, building, options);
      return new MongodbStore(database, { ...options, building });
    } catch (error) {
      await Promise.all([database.client.close(), building.close()]);
      failure = toStoreError(error, parsed.database);
    }
    if (mode !== 'serve' || !failure.retryable || isAccessRefused(failure)) throw failure;
    if (performance.now() - toldAt >= lineMillis) {
      toldAt = performance.now();
      logger?.warn({ err: failure }, 'waiting for MongoDB');
    }
    try {
      await delay(retryMillis, undefined, { signal });
    } catch {
      throw failure;
    }
  }
}

async function prepare(
  database: MongodbDatabase,
  building: IndexBuilding,
  options: MongodbStoreOptions,
): Promise<void> {
  await database.client.connect();
  if (options.mode === 'read') return;
  if (options.mode === 'serve') await requireUsable(database, options.names.all, options.logger);
  await createOwnIndexes(database);
  if (options.mode === 'serve') await building.start(options);
}
