import { Database } from './database.js';
import { createPrivateFile } from './private-file.js';
import { StoreError } from '../store-error.js';

/**
 * The lock of a `serve` on a SQLite file: an exclusive transaction on an empty database beside it, `PATH-lock`. The
 * operating system releases it when the process ends, in whatever way. The lock file is never deleted: if it were, two
 * processes could lock two files of the same name.
 */
export class ServeLock {
  readonly #database: Database;

  /**
   * Waits for the lock up to the busy timeout: after a restart, the old process may still be ending.
   *
   * @param path - the store's path, with symbolic links resolved
   * @throws StoreError `store-in-use`
   */
  constructor(path: string, busyTimeoutMillis: number) {
    const lockPath = `${path}-lock`;
    createPrivateFile(lockPath);
    this.#database = new Database(lockPath, busyTimeoutMillis);
    try {
      this.#database.execute('BEGIN EXCLUSIVE');
    } catch (error) {
      this.#database.close();
      throw new StoreError(
        'store-in-use',
        `${path} is served by another process, which holds ${lockPath}; to serve one store from several processes, ` +
          'use MongoDB',
        { cause: error, retryable: false },
      );
    }
  }

  release(): void {
    this.#database.execute('ROLLBACK');
    this.#database.close();
  }
}
