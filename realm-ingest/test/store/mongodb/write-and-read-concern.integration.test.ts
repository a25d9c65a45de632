import assert from 'node:assert/strict';
import * as mongodb from 'mongodb';
import { resolveCollectionNames } from '../../../src/store/collection-names.js';
import type { Driver } from '../../../src/store/mongodb/driver.js';
import { openMongodbStore } from '../../../src/store/mongodb/open-mongodb-store.js';
import {
  createTestDatabase,
  describeMongodb,
  type TestDatabase,
} from '../../../../test/support/mongodb/test-database.js';
import { badChangeset, collect, map, upload } from '../../support/commit-request.js';

describeMongodb('what the MongoDB store sends, whatever the connection string says,', () => {
  let database: TestDatabase;
  let sent: mongodb.Document[];
  const clients: mongodb.MongoClientOptions[] = [];

  before(async () => {
    database = await createTestDatabase();
    sent = [];
    const weaker = 'w=0&journal=false&readPreference=secondary&readConcernLevel=linearizable&maxPoolSize=3';
    const store = await openMongodbStore({
      ...{ url: `${database.uri}${database.uri.includes('?') ? '&' : '?'}${weaker}`, mode: 'serve' },
      ...{ maxDeadLetterBytes: 2 ** 20, names: resolveCollectionNames({}), retentionSeconds: 60 },
      ...{ indexAttributes: true, logger: undefined, signal: undefined },
      loadDriver: () => Promise.resolve(watchedDriver()),
    });
    await store.commit(upload([map({ _id: 1n })]));
    await store.commit(upload([map({ _id: 1n, name: 'another' })]));
    await store.commit(badChangeset(new Uint8Array([1])));
    await store.findClientFile(1n);
    await store.keepSecret(new Uint8Array(32));
    await store.keepFingerprint(new Uint8Array(32));
    await store.apiKeys.create({ id: 'a', hash: new Uint8Array(32), userName: 'a', createdAt: new Date() });
    await store.apiKeys.revoke('a', new Date());
    await store.revocations.add('a', new Date());
    await store.revocations.has(['a']);
    for (const { key } of await collect(store.deadLetters.list())) await store.deadLetters.delete(key);
    await store.collections();
    await collect(store.documents('Span'));
    await store.close();
  });

  after(() => database.remove());

  const named = (...names: string[]) =>
    sent.filter((command) => names.includes(Object.keys(command)[0] ?? ''));

  it('waits for the journal of a majority, with every write', () => {
    const writes = named('insert', 'update', 'delete', 'findAndModify');
    assert.ok(writes.length >= 14, String(writes.length));
    for (const { writeConcern, ...command } of writes) {
      const { w, j, journal } = writeConcern as { w?: unknown; j?: unknown; journal?: unknown };
      assert.deepEqual([w, j ?? journal], ['majority', true], JSON.stringify(Object.entries(command)[0]));
    }
  });

  it('reads from the primary with read concern majority', () => {
    const reads = named('find', 'aggregate', 'count');
    assert.ok(reads.length >= 10, String(reads.length));
    for (const { readConcern, $readPreference, ...command } of reads) {
      const what = JSON.stringify(Object.entries(command)[0]);
      assert.equal((readConcern as { level?: string } | undefined)?.level, 'majority', what);
      // The driver sends no read preference to a server that is known to be the primary.
      const { mode = 'primary' } = ($readPreference ?? {}) as { mode?: string };
      assert.ok(['primary', 'primaryPreferred'].includes(mode), what);
    }
  });

  it('has the string’s connection options, and our defaults for others', () => {
    const [first, building] = clients;
    assert.equal(first?.maxPoolSize, undefined);
    assert.equal(first?.socketTimeoutMS, 60_000);
    assert.equal(first.waitQueueTimeoutMS, 20_000);
    assert.deepEqual([building?.maxPoolSize, building?.socketTimeoutMS], [1, 0]);
  });

  /** The driver, which records its commands. */
  function watchedDriver(): Driver {
    class WatchedClient extends mongodb.MongoClient {
      constructor(url: string, options: mongodb.MongoClientOptions = {}) {
        super(url, { ...options, monitorCommands: true });
        clients.push(options);
        this.on('commandStarted', ({ command }) => {
          // Field by field: documents are Maps.
          sent.push(command);
        });
      }
    }
    return { ...mongodb, MongoClient: WatchedClient };
  }
});
