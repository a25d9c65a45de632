import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../logger.js';
import type { StoreError } from '../store-error.js';
import type { Store, StoreMode } from '../store.js';
import { loadDriver, type LoadDriver } from './driver.js';
import { MongodbDatabase } from './mongodb-database.js';
import { isAccessRefused, toStoreError } from './mongodb-error.js';
import { MongodbStore } from './mongodb-store.js';
import { parseMongodbUrl } from './mongodb-url.js';
import { openClient } from './open-client.js';
import { createOwnIndexes } from './own-indexes.js';
import { prepareTelemetryCollections, type TelemetryIndexOptions } from './telemetry-indexes.js';

export interface MongodbStoreOptions extends TelemetryIndexOptions {
  readonly url: string;
  readonly mode: StoreMode;
  readonly maxDeadLetterBytes: number;
  /** Is told that MongoDB is waited for. */
  readonly logger: Pick<Logger, 'warn'> | undefined;
  /** Ends the waiting. */
  readonly signal: AbortSignal | undefined;
  /** Default: the package `mongodb`. */
  readonly loadDriver?: LoadDriver;
}

/** Between two attempts to reach a MongoDB that is down, each of which takes its time as well. */
const retryMillis = 2000;

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
  for (;;) {
    const client = openClient(driver, url, parsed);
    const database = new MongodbDatabase(driver, client, parsed.database);
    let failure: StoreError;
    try {
      await prepare(database, options);
      return new MongodbStore(database, options);
    } catch (error) {
      await client.close();
      failure = toStoreError(error, parsed.database);
    }
    if (mode !== 'serve' || !failure.retryable || isAccessRefused(failure)) throw failure;
    logger?.warn({ err: failure }, 'waiting for MongoDB');
    try {
      await delay(retryMillis, undefined, { signal });
    } catch {
      throw failure;
    }
  }
}

async function prepare(database: MongodbDatabase, options: MongodbStoreOptions): Promise<void> {
  await database.client.connect();
  if (options.mode === 'read') return;
  await createOwnIndexes(database);
  if (options.mode === 'serve') await prepareTelemetryCollections(database, options);
}
