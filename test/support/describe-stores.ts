import type { Suite } from 'mocha';
import { describeMongodb } from './mongodb/test-database.js';
import { createMongodbScratch, createScratch, type Scratch } from './scratch.js';

/** Stores that a suite runs on. */
export interface StoreKind {
  readonly name: 'SQLite' | 'MongoDB';
  /** A fresh, empty store. */
  createScratch(): Promise<Scratch>;
}

const sqlite: StoreKind = { name: 'SQLite', createScratch };
const mongodb: StoreKind = { name: 'MongoDB', createScratch: createMongodbScratch };

type StoreSuite = (this: Suite, kind: StoreKind) => void;

/** One suite for each kind of store. The suite on MongoDB is skipped with a reason if no server is given. */
export function describeStores(title: string, suite: StoreSuite): void {
  describeSqlite(title, suite);
  describeMongodb(`${title}, on MongoDB`, function () {
    suite.call(this, mongodb);
  });
}

/** A suite that the other stores would add nothing to. */
export function describeSqlite(title: string, suite: StoreSuite): void {
  describe(`${title}, on SQLite`, function () {
    suite.call(this, sqlite);
  });
}
