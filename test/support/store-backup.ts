import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MongoClient, type Db, type Document } from 'mongodb';
import type { Scratch } from './scratch.js';
import { closeReader } from './stored.js';

/** A copy of a store, and what may become of the store. No server has it open meanwhile. */
export interface StoreBackup {
  /** Copies the store, as it is now. */
  take(): Promise<void>;
  /** Empties the store. */
  lose(): Promise<void>;
  /** Puts the copy in the store's place. */
  restore(): Promise<void>;
}

/** For a store of any kind. */
export function createBackup(scratch: Scratch): StoreBackup {
  return scratch.store.startsWith('sqlite:') ? new SqliteBackup(scratch) : new MongodbBackup(scratch);
}

/** What `rm` and `cp` do to the files. */
class SqliteBackup implements StoreBackup {
  readonly #scratch: Scratch;

  constructor(scratch: Scratch) {
    this.#scratch = scratch;
  }

  async take(): Promise<void> {
    await closeReader(this.#scratch.store); // the last one out leaves one file only
    await mkdir(this.#copies, { recursive: true });
    for (const file of await this.#files())
      await cp(join(this.#scratch.path, file), join(this.#copies, file));
  }

  async lose(): Promise<void> {
    await closeReader(this.#scratch.store);
    for (const file of await this.#files()) await rm(join(this.#scratch.path, file));
  }

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

/** What `mongodump` and `mongorestore --drop` do to the documents; indexes stay. */
class MongodbBackup implements StoreBackup {
  readonly #scratch: Scratch;
  readonly #copies = new Map<string, Document[]>();

  constructor(scratch: Scratch) {
    this.#scratch = scratch;
  }

  async take(): Promise<void> {
    await this.#withDatabase(async (db) => {
      for (const collection of await db.collections()) {
        this.#copies.set(collection.collectionName, await collection.find().toArray());
      }
    });
  }

  async lose(): Promise<void> {
    await this.#withDatabase(async (db) => {
      for (const collection of await db.collections()) await collection.deleteMany();
    });
  }

  async restore(): Promise<void> {
    await this.lose();
    await this.#withDatabase(async (db) => {
      for (const [name, documents] of this.#copies) {
        if (documents.length > 0) await db.collection(name).insertMany(documents);
      }
    });
  }

  async #withDatabase(work: (db: Db) => Promise<void>): Promise<void> {
    // As they are: 64-bit integers would lose their type on the way.
    const client = await MongoClient.connect(this.#scratch.store, { promoteValues: false });
    try {
      await work(client.db());
    } finally {
      await client.close();
    }
  }
}
