import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../logger.js';
import type { MongodbDatabase } from './mongodb-database.js';
import { toStoreError } from './mongodb-error.js';
import { keepTelemetryIndexes, type TelemetryIndexOptions } from './telemetry-indexes.js';

/** How long a start waits for indexes. On what is new they take no time; on a large collection that is there, hours. */
const patienceMillis = 10_000;

export interface IndexBuildingOptions extends TelemetryIndexOptions {
  readonly logger: Pick<Logger, 'info' | 'warn'> | undefined;
  /** Default: ten seconds. */
  readonly patienceMillis?: number | undefined;
}

/**
 * The making of the telemetry's indexes. MongoDB gives up a build whose client goes away: it has a client of its own,
 * whose sockets wait for as long as it takes, and uploads are taken meanwhile. What bounds it is `buildMillis`, and the
 * loss of the server; then a line of the log says so, and the next start tries again.
 */
export class IndexBuilding {
  readonly #open: () => MongodbDatabase;
  #database: MongodbDatabase | undefined;
  #closed = false;

  /** @param open - opens the database with a client of its own; it is closed here */
  constructor(open: () => MongodbDatabase) {
    this.#open = open;
  }

  /**
   * Resolves when the indexes are there, or when they take too long: then they are built while the store is used, and a
   * line of the log tells how it ended.
   *
   * @throws StoreError where it has failed by then; no client is open any more
   */
  async start(options: IndexBuildingOptions): Promise<void> {
    const { logger } = options;
    const database = this.#open();
    this.#database = database;
    const building = keepTelemetryIndexes(database, options).finally(() => database.close());
    const waiting = new AbortController();
    const late = delay(options.patienceMillis ?? patienceMillis, 'late', { signal: waiting.signal });
    try {
      if ((await Promise.race([building, late])) !== 'late') return;
    } finally {
      waiting.abort();
      late.catch(() => undefined);
    }
    if (this.#closed) return;
    logger?.info({}, 'indexes are being built; uploads are taken meanwhile');
    building.then(
      () => logger?.info({}, 'indexes are built'),
      (error: unknown) => {
        if (this.#closed) return;
        const err = toStoreError(error, database.name);
        logger?.warn({ err }, 'indexes could not be built; the next start tries again');
      },
    );
  }

  /** Gives up what is still being built. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#database?.close();
  }
}
