import { settlesWithin } from '../../time/settles-within.js';
import { StoreError } from '../store-error.js';
import { toStoreError } from './mongodb-error.js';

/** Counts what is under way, so that a store that is closed can let it finish first. */
export class OperationGate {
  readonly #name: string;
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  /** @param name - of the database, for errors */
  constructor(name: string) {
    this.#name = name;
  }

  /**
   * Runs an operation, from the timers phase of the event loop on. Sockets end in its poll phase, and emit `close` after
   * its check phase, where `setImmediate` runs: a command that began in between could get one of them from the driver, and
   * then it waits until it is given up (see `ClientCommands`). This costs an operation about a millisecond.
   *
   * @throws StoreError, whatever `operation` throws; a TypeError stays one: it is the caller's mistake
   */
  async run<T>(operation: () => Promise<T>): Promise<T> {
    this.requireOpen();
    const running = startInTimersPhase(operation);
    this.#running.add(running);
    try {
      return await running;
    } catch (error) {
      throw this.toError(error);
    } finally {
      this.#running.delete(running);
    }
  }

  /** Values as they come; what the iteration throws is a StoreError. Closing does not wait for its end. */
  async *iterate<T>(values: () => AsyncIterable<T>): AsyncGenerator<T> {
    this.requireOpen();
    try {
      yield* values();
    } catch (error) {
      throw this.toError(error);
    }
  }

  requireOpen(): void {
    if (this.#closed) {
      throw new StoreError('store-closed', `MongoDB database ${this.#name}`, { retryable: false });
    }
  }

  toError(error: unknown): unknown {
    return error instanceof TypeError ? error : toStoreError(error, this.#name);
  }

  /** Nothing new is begun from now on. Resolves when all that was begun has ended, or after `millis`. */
  async close(millis: number): Promise<void> {
    this.#closed = true;
    await settlesWithin(Promise.allSettled(this.#running), millis);
  }
}

async function startInTimersPhase<T>(operation: () => Promise<T>): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  return operation();
}
