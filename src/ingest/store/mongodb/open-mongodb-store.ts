import type { Store } from '../store.js';
import { loadDriver, type LoadDriver } from './driver.js';
import { createOwnIndexes } from './own-indexes.js';
import { MongodbDatabase } from './mongodb-database.js';
import { toStoreError } from './mongodb-error.js';
import { MongodbStore } from './mongodb-store.js';
import { parseMongodbUrl } from './mongodb-url.js';
import { openClient } from './open-client.js';
import type { StoreMode } from '../store.js';

export interface MongodbStoreOptions {
  readonly url: string;
  readonly mode: StoreMode;
  readonly maxDeadLetterBytes: number;
  /** Default: the package `mongodb`. */
  readonly loadDriver?: LoadDriver;
}

/**
 * Opens a store in one MongoDB database.
 *
 * @throws InvalidOptionError for a connection string that cannot be used
 * @throws StoreError where the driver is missing, or MongoDB cannot be reached
 */
export async function openMongodbStore(options: MongodbStoreOptions): Promise<Store> {
  const parsed = parseMongodbUrl(options.url);
  const driver = await loadDriver(options.loadDriver);
  const client = openClient(driver, options.url, parsed);
  const database = new MongodbDatabase(driver, client, parsed.database);
  try {
    await client.connect();
    if (options.mode !== 'read') await createOwnIndexes(database);
    return new MongodbStore(database, options);
  } catch (error) {
    await client.close();
    throw toStoreError(error, parsed.database);
  }
}
