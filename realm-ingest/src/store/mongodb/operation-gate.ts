import { setTimeout as delay } from 'node:timers/promises';
import { settlesWithin } from '../../time/settles-within.js';
import { StoreError } from '../store-error.js';
import { toStoreError } from './mongodb-error.js';

/** Keeps the running operations, so that closing a store can let them finish. */
export class OperationGate {
  readonly #name: string;
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  /** @param name - name of the database, for errors */
  constructor(name: string) {
    this.#name = name;
  }

  /**
   * Runs an operation, started in the timers phase of the event loop. Sockets end in the poll phase and emit `close` after
   * the check phase, where `setImmediate` runs: a command that starts in between may get such a socket from the driver, and
   * then waits until it is given up (see `ClientCommands`). This costs about a millisecond per operation.
   *
   * @throws StoreError, whatever `operation` throws; only a TypeError stays one, because it is the caller's mistake
   */
  async run<T>(operation: () => Promise<T>): Promise<T> {
    this.#requireOpen();
    const running = delay(0).then(operation);
    this.#running.add(running);
    try {
      return await running;
    } catch (error) {
      throw this.#toError(error);
    } finally {
      this.#running.delete(running);
    }
  }

  /** Iterates over values; errors become StoreErrors. Closing does not wait for its end. */
  async *iterate<T>(values: () => AsyncIterable<T>): AsyncGenerator<T> {
    this.#requireOpen();
    try {
      yield* values();
    } catch (error) {
      throw this.#toError(error);
    }
  }

  #requireOpen(): void {
    if (this.#closed) {
      throw new StoreError('store-closed', `MongoDB database ${this.#name}`, { retryable: false });
    }
  }

  #toError(error: unknown): unknown {
    return error instanceof TypeError ? error : toStoreError(error, this.#name);
  }

  /** Refuses new operations. Resolves when the running ones have ended, or after `millis`. */
  async close(millis: number): Promise<void> {
    this.#closed = true;
    await settlesWithin(Promise.allSettled(this.#running), millis);
  }
}
