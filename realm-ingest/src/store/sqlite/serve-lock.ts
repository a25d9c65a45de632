import { Database } from './database.js';
import { createPrivateFile } from './private-file.js';
import { StoreError } from '../store-error.js';

/**
 * The lock that one `serve` has on a SQLite file: an exclusive transaction on an empty database beside it, `PATH-lock`.
 * The operating system lets go of it when the process ends, however it ends. The file itself stays: deleting it would
 * let two processes lock two files of one name.
 */
export class ServeLock {
  readonly #database: Database;

  /**
   * Waits for the lock as long as the busy time-out says: a restarted service may meet its predecessor on its way out.
   *
   * @param path - of the store, with symbolic links resolved
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
