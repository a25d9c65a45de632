/**
 * The MongoDB server given to the tests, and its abilities.
 */
import { randomBytes } from 'node:crypto';
import type { Suite } from 'mocha';
import { Binary, MongoClient, type Db, type Document } from 'mongodb';
import { describeSkipped } from '../skip.js';

/** Of any server; `npm run mongodb` starts one and prints its URI. */
export const mongodbUri = process.env.MONGODB_URI;

/** A suite that needs a MongoDB server. It is skipped if none is given. */
export function describeMongodb(title: string, suite: (this: Suite) => void): void {
  if (mongodbUri === undefined || mongodbUri === '') describeSkipped(title, 'no MONGODB_URI', suite);
  else describe(title, suite);
}

/** A separate database on the server given to the tests. */
export interface TestDatabase {
  /** With the database's name. */
  readonly uri: string;
  readonly db: Db;
  /** Drops it. */
  remove(): Promise<void>;
}

export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `realm_ingest_test_${randomBytes(6).toString('hex')}`;
  const uri = withDatabase(mongodbUri ?? '', name);
  const client = await MongoClient.connect(uri, { serverSelectionTimeoutMS: 15_000 });
  const db = client.db();
  return {
    uri,
    db,
    remove: async () => {
      // That of `npm run mongodb` cannot drop one from which it has dropped an index; its names are not used again.
      await db.dropDatabase().catch(() => undefined);
      await client.close();
    },
  };
}

/** What a fault does; see `Server.java`. */
export interface Fault {
  readonly command: string;
  readonly collection?: string;
  readonly times?: number;
  readonly delayMillis?: number;
  /** Whether the command is executed before it is answered. */
  readonly execute?: boolean;
  readonly reply?: Document;
  readonly disconnect?: boolean;
}

/** Lets the server of `npm run mongodb` do something to the next commands. */
export async function addFault(db: Db, fault: Fault): Promise<void> {
  await db.command({ testControl: 'fault', ...fault });
}

export async function clearFaults(db: Db): Promise<void> {
  await db.command({ testControl: 'clear' });
}

/** Whether the server is that of `npm run mongodb`. */
export async function takesFaults(db: Db): Promise<boolean> {
  return clearFaults(db).then(
    () => true,
    () => false,
  );
}

/** Why tests are skipped on a server that is not that of `npm run mongodb`. */
export const noFaults = 'only the server of `npm run mongodb` takes faults';

/** Whether the server keeps binaries of every subtype; that of `npm run mongodb` keeps plain ones and UUIDs. */
export async function keepsEverySubtype(db: Db): Promise<boolean> {
  const probe = db.collection('probe');
  try {
    await probe.insertOne({ value: new Binary(new Uint8Array(3), 128) });
    const found = await probe.findOne({}, { promoteBuffers: false });
    return (found?.value as Binary).sub_type === 128;
  } finally {
    await probe.drop();
  }
}

function withDatabase(uri: string, name: string): string {
  const [, start = '', options = ''] =
    /^(mongodb(?:\+srv)?:\/\/[^/?]+)(?:\/[^?]*)?(\?.*)?$/iu.exec(uri) ?? [];
  return `${start}/${name}${options}`;
}
