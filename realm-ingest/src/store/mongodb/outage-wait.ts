import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../logger.js';
import { StoreError } from '../store-error.js';
import { unlessAborted } from '../unless-aborted.js';
import { isAccessRefused } from './mongodb-error.js';

export interface OutageWaitOptions {
  /** Of the database, for errors. */
  readonly name: string;
  readonly logger: Pick<Logger, 'warn'> | undefined;
  /** Ends the waiting. */
  readonly signal: AbortSignal | undefined;
}

/** Between two attempts to reach a MongoDB that is down, each of which takes its time as well. */
const retryMillis = 2000;

/** How often it is said that a MongoDB is waited for. */
const lineMillis = 60_000;

/** What a start of `serve` does while MongoDB is down: it waits, and says so at most once a minute. */
export class OutageWait {
  readonly #options: OutageWaitOptions;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(options: OutageWaitOptions) {
    this.#options = options;
  }

  /**
   * Makes attempts until one succeeds.
   *
   * @param attempt - rejects with a StoreError if MongoDB is down; what else it rejects with is thrown at once
   * @throws StoreError where MongoDB does not let us in, or trying again is of no use, or the signal is aborted: then at
   *   once, whatever the attempt does
   */
  async until<T>(attempt: () => Promise<T>): Promise<T> {
    const { name, logger, signal } = this.#options;
    const ended = (): StoreError =>
      new StoreError('store-unavailable', `MongoDB database ${name}: the start was ended`, {
        retryable: true,
      });
    for (;;) {
      try {
        // A signal that was aborted before this call ends nothing here.
        return await unlessAborted(attempt(), signal?.aborted === true ? undefined : signal, ended);
      } catch (error) {
        const mayPass = error instanceof StoreError && error.retryable && !isAccessRefused(error);
        if (!mayPass || signal?.aborted === true) throw error;
        if (performance.now() - this.#toldAt >= lineMillis) {
          this.#toldAt = performance.now();
          logger?.warn({ err: error }, 'waiting for MongoDB');
        }
        await delay(retryMillis, undefined, { signal }).catch(() => {
          throw error;
        });
      }
    }
  }
}
