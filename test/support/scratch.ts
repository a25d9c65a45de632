import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase } from './mongodb/test-database.js';
import { closeReader } from './stored.js';

/** A directory of one test, and an empty store. */
export interface Scratch {
  readonly path: string;
  /** URL of the store. */
  readonly store: string;
  remove(): Promise<void>;
}

/** A directory with a place for a SQLite store. */
export async function createScratch(): Promise<Scratch> {
  const { path, remove } = await createDirectory();
  const store = `sqlite:${join(path, 'telemetry.db')}`;
  return {
    path,
    store,
    async remove() {
      await closeReader(store);
      await remove();
    },
  };
}

/** A directory, and a database on the server that tests are given. */
export async function createMongodbScratch(): Promise<Scratch> {
  const { path, remove } = await createDirectory();
  const database = await createTestDatabase();
  return {
    path,
    store: database.uri,
    async remove() {
      await closeReader(database.uri);
      await database.remove();
      await remove();
    },
  };
}

async function createDirectory(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'end-to-end-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
