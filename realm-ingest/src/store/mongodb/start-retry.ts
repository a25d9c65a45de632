import { setTimeout as delay } from 'node:timers/promises';
import { LogThrottle } from '../../time/log-throttle.js';
import type { Logger } from '../../logger.js';
import { abortable } from '../abortable.js';
import { StoreError } from '../store-error.js';
import { isAccessRefused } from './mongodb-error.js';

interface StartRetryOptions {
  /** Name of the database, for errors. */
  readonly name: string;
  readonly logger: Pick<Logger, 'warn'> | undefined;
  /** Ends the retries. */
  readonly signal: AbortSignal | undefined;
}

/** The pause between two attempts. */
const pauseMillis = 2000;

const lineMillis = 60_000;

/** While MongoDB is down, retries the start of `serve` step by step, and logs a line at most once a minute. */
export class StartRetry {
  readonly #options: StartRetryOptions;
  readonly #lines = new LogThrottle(lineMillis);

  constructor(options: StartRetryOptions) {
    this.#options = options;
  }

  /**
   * Repeats `attempt` until it succeeds.
   *
   * @param attempt - rejects with a StoreError if MongoDB is down; other errors are not retried
   * @throws StoreError if MongoDB refuses access, if a retry cannot help, or at once if the signal is aborted
   */
  async run<T>(attempt: () => Promise<T>): Promise<T> {
    const { name, logger, signal } = this.#options;
    const ended = (): StoreError =>
      new StoreError('store-unavailable', `MongoDB database ${name}: the start was ended`, {
        retryable: true,
      });
    for (;;) {
      try {
        // A signal that was aborted before this call ends nothing here.
        return await abortable(attempt(), signal?.aborted === true ? undefined : signal, ended);
      } catch (error) {
        const mayPass = error instanceof StoreError && error.retryable && !isAccessRefused(error);
        if (!mayPass || signal?.aborted === true) throw error;
        if (this.#lines.admit('') !== undefined) logger?.warn({ err: error }, 'waiting for MongoDB');
        await delay(pauseMillis, undefined, { signal }).catch(() => {
          throw error;
        });
      }
    }
  }
}
