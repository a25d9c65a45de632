import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeReader } from './stored.js';

/** A directory of one test, with a place for its store. */
export interface Scratch {
  readonly path: string;
  /** URL of a SQLite store in it. */
  readonly store: string;
  remove(): Promise<void>;
}

export async function createScratch(): Promise<Scratch> {
  const path = await mkdtemp(join(tmpdir(), 'end-to-end-'));
  const store = `sqlite:${join(path, 'telemetry.db')}`;
  return {
    path,
    store,
    async remove() {
      await closeReader(store);
      await rm(path, { recursive: true, force: true });
    },
  };
}
