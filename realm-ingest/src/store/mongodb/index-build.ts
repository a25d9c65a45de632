import type { Logger } from '../../logger.js';
import { settlesWithin } from '../../time/settles-within.js';
import type { MongodbDatabase } from './mongodb-database.js';
import { toStoreError } from './mongodb-error.js';
import { keepTelemetryIndexes, type TelemetryIndexOptions } from './telemetry-indexes.js';

/** How long a start waits for indexes. On new collections they take no time; on a large one they can take hours. */
const defaultWaitMillis = 10_000;

export interface IndexBuildOptions extends TelemetryIndexOptions {
  readonly logger: Pick<Logger, 'info' | 'warn'> | undefined;
  /** How long the start waits. Default: ten seconds. */
  readonly indexWaitMillis?: number | undefined;
}

/**
 * Builds the telemetry indexes, with a client of its own whose sockets have no timeout: MongoDB gives up a build when its
 * client disconnects. Uploads are accepted meanwhile. The build ends after `buildMillis`, or when the server is lost; then
 * a log line says so, and the next start tries again.
 */
export class IndexBuild {
  readonly #open: () => MongodbDatabase;
  #database: MongodbDatabase | undefined;
  #closed = false;

  /** @param open - opens the database with a separate client, which this class closes */
  constructor(open: () => MongodbDatabase) {
    this.#open = open;
  }

  /**
   * Resolves when the indexes exist, or after the wait: then the build goes on while the store is used, and log lines tell
   * its start and its end.
   *
   * @throws StoreError if the build fails within the wait; its client is closed
   */
  async start(options: IndexBuildOptions): Promise<void> {
    const { logger } = options;
    const database = this.#open();
    this.#database = database;
    const build = keepTelemetryIndexes(database, options).finally(() => database.close());
    if (await settlesWithin(build, options.indexWaitMillis ?? defaultWaitMillis)) return;
    if (this.#closed) return;
    logger?.info({}, 'indexes are being built; uploads are taken meanwhile');
    build.then(
      () => logger?.info({}, 'indexes are built'),
      (error: unknown) => {
        if (this.#closed) return;
        const err = toStoreError(error, database.name);
        logger?.warn({ err }, 'indexes could not be built; the next start tries again');
      },
    );
  }

  /** Gives up a running build. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#database?.close();
  }
}
