import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { closeReader } from './stored.js';
import type { Scratch } from './scratch.js';

/** What `rm` and `cp` do to the files of a SQLite store whose server is stopped. */
export class SqliteBackup {
  readonly #scratch: Scratch;

  constructor(scratch: Scratch) {
    this.#scratch = scratch;
  }

  /** Copies the store, as it is now. */
  async take(): Promise<void> {
    await closeReader(this.#scratch.store); // the last one out leaves one file only
    await mkdir(this.#copies, { recursive: true });
    for (const file of await this.#files())
      await cp(join(this.#scratch.path, file), join(this.#copies, file));
  }

  /** Removes the store. */
  async lose(): Promise<void> {
    await closeReader(this.#scratch.store);
    for (const file of await this.#files()) await rm(join(this.#scratch.path, file));
  }

  /** Puts the copy in the store's place. */
  async restore(): Promise<void> {
    await this.lose();
    await cp(this.#copies, this.#scratch.path, { recursive: true });
  }

  get #copies(): string {
    return join(this.#scratch.path, 'backup');
  }

  async #files(): Promise<string[]> {
    const files = await readdir(this.#scratch.path, { withFileTypes: true });
    return files.filter((file) => file.isFile()).map(({ name }) => name);
  }
}
