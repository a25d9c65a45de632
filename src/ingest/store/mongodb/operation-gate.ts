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

  /** @throws StoreError, whatever `operation` throws; a TypeError stays one: it is the caller's mistake */
  async run<T>(operation: () => Promise<T>): Promise<T> {
    this.requireOpen();
    const running = operation();
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
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, millis);
    });
    await Promise.race([Promise.allSettled(this.#running), late]);
    clearTimeout(timer);
  }
}
