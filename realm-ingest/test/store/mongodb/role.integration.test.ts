import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import * as mongodb from 'mongodb';
import { resolveCollectionNames } from '../../../src/store/collection-names.js';
import type { Driver } from '../../../src/store/mongodb/driver.js';
import { openMongodbStore } from '../../../src/store/mongodb/open-mongodb-store.js';
import type { Store } from '../../../src/store/store.js';
import {
  createTestDatabase,
  describeMongodb,
  type TestDatabase,
} from '../../../../test/support/mongodb/test-database.js';
import { badChangeset, collect, map, upload } from '../../support/commit-request.js';

/** Commands that any user may send. */
const free = ['hello', 'ismaster', 'ping', 'endSessions', 'saslStart', 'saslContinue', 'getMore'];

/** Atlas' names for the privileges that a command takes. */
const privilegesOf: Record<string, (command: mongodb.Document) => readonly string[]> = {
  insert: () => ['INSERT'],
  find: () => ['FIND'],
  aggregate: () => ['FIND'],
  count: () => ['FIND'],
  update: ({ updates }) => {
    const upserts = (updates as { upsert?: boolean }[]).some(({ upsert }) => upsert === true);
    return upserts ? ['FIND', 'UPDATE', 'INSERT'] : ['FIND', 'UPDATE'];
  },
  delete: () => ['FIND', 'REMOVE'],
  findAndModify: ({ remove }) => ['FIND', remove === true ? 'REMOVE' : 'UPDATE'],
  listCollections: () => ['LIST_COLLECTIONS'],
  listIndexes: () => ['LIST_INDEXES'],
  createIndexes: () => ['CREATE_INDEX'],
  dropIndexes: () => ['DROP_INDEX'],
  collMod: () => ['COLL_MOD'],
};

describeMongodb('the role that docs/mongodb.md makes for Atlas', () => {
  let database: TestDatabase;
  let used: Set<string>;
  let stop: AbortController;

  before(async () => {
    database = await createTestDatabase();
    used = new Set();
    stop = new AbortController();
  });

  after(() => database.remove());

  it('allows exactly what a store does', async () => {
    for (const retentionSeconds of [undefined, 60, undefined]) {
      const store = await open(retentionSeconds);
      await store.ping();
      await useDocuments(store);
      await useAccounts(store);
      await useDeadLetters(store);
      await store.close();
    }
    await (await open(60)).close();
    // The server of `npm run mongodb` has no collMod, so the test checks the commands that were sent.
    await open(120).then(
      (store) => store.close(),
      () => undefined,
    );
    assert.deepEqual([...used].sort(), (await documentedPrivileges()).sort());
  });

  async function useDocuments(store: Store): Promise<void> {
    await store.commit(upload([map({ _id: 1n })]));
    await store.commit(upload([map({ _id: 1n, name: 'another' })])); // a dead letter
    await store.findClientFile(1n);
    for (const collection of await store.collections()) await collect(store.documents(collection));
  }

  async function useAccounts(store: Store): Promise<void> {
    await store.keepSecret(new Uint8Array(32));
    await store.keepFingerprint(new Uint8Array(32));
    await store.loadSecret();
    const id = new mongodb.ObjectId().toHexString();
    await store.apiKeys.create({ id, hash: Buffer.from(id), userName: 'device', createdAt: new Date() });
    await store.apiKeys.findById(id);
    await store.apiKeys.list();
    await store.apiKeys.revoke(id, new Date());
    await store.revocations.add(id, new Date());
    await store.revocations.has([id]);
  }

  async function useDeadLetters(store: Store): Promise<void> {
    await store.commit(badChangeset(new Uint8Array([1, 2, 3])));
    const letters = await collect(store.deadLetters.list());
    assert.equal(letters.length, 2);
    for (const { key } of letters) {
      const letter = await store.deadLetters.find(key);
      assert.ok(letter !== undefined);
      const { clientVersion, changeset: bytes } = letter;
      await store.retryDeadLetter(letter, { clientVersion, bytes, documents: [], rejections: [] });
      await store.deadLetters.delete(key);
    }
  }

  function open(retentionSeconds: number | undefined): Promise<Store> {
    return openMongodbStore({
      ...{ url: database.uri, mode: 'serve', maxDeadLetterBytes: 2 ** 20, names: resolveCollectionNames({}) },
      ...{ retentionSeconds, indexAttributes: retentionSeconds !== undefined },
      ...{ logger: undefined, signal: stop.signal },
      loadDriver: () => Promise.resolve(watchedDriver()),
    });
  }

  /** The driver, which records the privileges that its commands need. */
  function watchedDriver(): Driver {
    class WatchedClient extends mongodb.MongoClient {
      constructor(url: string, options?: mongodb.MongoClientOptions) {
        super(url, { ...options, monitorCommands: true });
        this.on('commandStarted', ({ commandName, command }) => {
          if (free.includes(commandName)) return;
          for (const privilege of privilegesOf[commandName]?.(command) ?? [`for ${commandName}`])
            used.add(privilege);
        });
        this.on('commandFailed', ({ commandName }) => {
          if (commandName === 'collMod') stop.abort();
        });
      }
    }
    return { ...mongodb, MongoClient: WatchedClient };
  }
});

async function documentedPrivileges(): Promise<string[]> {
  const page = await readFile(new URL('../../../../docs/mongodb.md', import.meta.url), 'utf8');
  const [, list = ''] = /customDbRoles create realmIngest --privilege (\S+)/.exec(page) ?? [];
  return list.split(',').map((privilege) => privilege.replace(/@telemetry$/, ''));
}
