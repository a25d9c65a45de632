import assert from 'node:assert/strict';
import { MongoClient, type Db, type Document } from 'mongodb';
import { keepsIdsUnique } from '../../../src/store/mongodb/shard-keys.js';
import { openStore } from '../../../src/store/open-store.js';
import {
  addFault,
  clearFaults,
  createTestDatabase,
  describeMongodb,
  noFaults,
  takesFaults,
  type TestDatabase,
} from '../../../../test/support/mongodb/test-database.js';
import { skip } from '../../../../test/support/skip.js';
import { RecordingLogger } from '../../../../test/support/server/recording-logger.js';
import { map, upload } from '../../support/commit-request.js';
import { isStoreError } from '../../support/store-fixture.js';

describe('a shard key', () => {
  it('keeps _ids unique if it is _id alone', () => {
    for (const key of [{ _id: 1 }, { _id: 'hashed' }]) assert.equal(keepsIdsUnique(key), true);
    const others = [
      ...[{ traceId: 1 }, { traceId: 'hashed' }, { _id: 1, traceId: 1 }, { _id: 'hashed', traceId: 1 }],
      ...[{ traceId: 1, _id: 1 }, { 'ingest.receivedAt': 1, _id: 1 }, { '_id.a': 1 }, {}],
    ];
    for (const key of others) assert.equal(keepsIdsUnique(key), false, JSON.stringify(key));
  });
});

describeMongodb('the MongoDB store, when it is served,', () => {
  let database: TestDatabase;
  let logger: RecordingLogger;
  beforeEach(async () => {
    database = await createTestDatabase();
    logger = new RecordingLogger();
  });
  afterEach(() => database.remove());

  const serve = async (collections = {}) => {
    const store = await openStore(database.uri, { mode: 'serve', collections, logger });
    await store.close();
  };
  const refuses = async (message: RegExp, collections = {}) => {
    const serving = serve(collections);
    await assert.rejects(serving, isStoreError('store-incompatible', false));
    await assert.rejects(serving, message);
  };

  describe('refuses', () => {
    const kinds = [
      { what: 'a view', type: 'view', options: { viewOn: 'Other', pipeline: [] } },
      {
        what: 'a time-series collection',
        type: 'timeseries',
        options: { timeseries: { timeField: 'startTime' } },
      },
      { what: 'a capped collection', type: 'collection', options: { capped: true, size: 4096 } },
      {
        what: 'a collection with a collation',
        type: 'collection',
        options: { collation: { locale: 'en', strength: 2 } },
      },
    ];
    for (const { what, type, options } of kinds) {
      for (const name of ['Span', 'traces', 'realm_ingest.dead_letters']) {
        it(`${what} in the place of ${name}`, async () => {
          if (await takesFaults(database.db)) await listsCollection(database.db, { name, type, options });
          else await database.db.createCollection(name, options);
          await refuses(new RegExp(`${name} (?:is|has) a `), name === 'traces' ? { Span: 'traces' } : {});
        });
      }
    }

    it('no other collection', async () => {
      if (await takesFaults(database.db)) {
        await listsCollection(database.db, { name: 'LogRecord2', type: 'view', options: {} });
      } else {
        await database.db.createCollection('LogRecord2', { viewOn: 'Other', pipeline: [] });
      }
      await serve();
    });
  });

  describe('on a server that says', () => {
    beforeEach(async function () {
      if (!(await takesFaults(database.db))) skip(this, noFaults);
    });

    it('that it is older than MongoDB 5.0, refuses it', async () => {
      // `hello` of MongoDB 4.4; the manual, "hello".
      await addFault(database.db, {
        command: 'hello',
        reply: { ok: 1, isWritablePrimary: true, maxWireVersion: 9 },
      });
      await refuses(/older than MongoDB 5\.0/);
    });

    describe('that it is a mongos,', () => {
      /** Answers as the manual shows them. */
      const mongos: Document = { ok: 1, isWritablePrimary: true, msg: 'isdbgrid', maxWireVersion: 21 };
      // "Error Codes": 13 Unauthorized; the message is of mongos 7.0.
      const unauthorized = {
        ok: 0,
        code: 13,
        codeName: 'Unauthorized',
        errmsg: 'not authorized on config to execute command { find: "collections" }',
      };
      // An Atlas proxy's, for the same.
      const refusedByAtlas = {
        ok: 0,
        code: 8000,
        codeName: 'AtlasError',
        errmsg: 'user is not allowed to do action [find] on [config.collections]',
      };
      let config: Db;
      let client: MongoClient;
      beforeEach(async () => {
        client = await MongoClient.connect(database.uri);
        config = client.db('config');
        await addFault(database.db, { command: 'hello', reply: mongos });
        await listsCollection(database.db, { name: 'Span', type: 'collection', options: {} });
      });
      afterEach(async () => {
        await clearFaults(config);
        await client.close();
      });

      const inConfiguration = (...collections: Document[]) =>
        addFault(config, {
          command: 'find',
          collection: 'collections',
          reply: answer('config.collections', collections),
        });
      const refusesConfiguration = (reply: Document) =>
        addFault(config, { command: 'find', collection: 'collections', reply });
      /** "$listClusterCatalog", "Output". */
      const inCatalog = (...entries: Document[]) =>
        addFault(database.db, {
          command: 'aggregate',
          reply: answer(`${database.db.databaseName}.$cmd.aggregate`, entries),
        });
      const namespace = (name: string) => `${database.db.databaseName}.${name}`;

      it('reads shard keys in config.collections', async () => {
        // The manual, "config.collections": a document for each collection that is sharded.
        const entry = (key: Document) => ({ _id: namespace('Span'), key, unique: false, noBalance: false });
        await inConfiguration(entry({ _id: 'hashed' }));
        await serve();
        assert.deepEqual(logger.lines, []);
        await addFault(database.db, { command: 'hello', reply: mongos });
        await listsCollection(database.db, { name: 'Span', type: 'collection', options: {} });
        await inConfiguration(entry({ traceId: 1, _id: 1 }));
        await refuses(/Span is sharded by \{ traceId: 1, _id: 1 \}; the shard key must be _id alone/);
      });

      it('asks $listClusterCatalog if it may not read that', async () => {
        await refusesConfiguration(unauthorized);
        await inCatalog(
          {
            ns: namespace('Span'),
            type: 'collection',
            sharded: true,
            shardKey: { traceId: 'hashed', spanId: 1n },
          },
          { ns: namespace('Other'), type: 'collection', sharded: true, shardKey: { x: 1 } },
        );
        await refuses(/Span is sharded by \{ traceId: hashed, spanId: 1 \}/);
      });

      it('accepts collections that are not sharded by the catalog', async () => {
        await refusesConfiguration(refusedByAtlas);
        await inCatalog({ ns: namespace('Span'), type: 'collection', sharded: false });
        await serve();
        assert.deepEqual(logger.lines, []);
      });

      // "Error Codes": 40324 is the code of a stage that a server does not know.
      const noCatalog = {
        ok: 0,
        code: 40324,
        errmsg: "Unrecognized pipeline stage name: '$listClusterCatalog'",
      };

      it('warns if it can only see that a collection is sharded', async () => {
        await refusesConfiguration(unauthorized);
        await addFault(database.db, { command: 'aggregate', reply: noCatalog });
        // The manual, "collStats", "Output".
        await addFault(database.db, {
          command: 'collStats',
          collection: 'Span',
          reply: { ok: 1, sharded: true, ns: namespace('Span'), count: 0 },
        });
        await serve();
        assert.deepEqual(
          logger.at('warn').map(({ fields }) => fields),
          [{ collections: ['Span'] }],
        );
        assert.match(logger.lines[0]!.message, /the shard keys of collections cannot be read/);
      });

      it('warns if it cannot even see that', async () => {
        await refusesConfiguration(unauthorized);
        await addFault(database.db, { command: 'aggregate', reply: unauthorized });
        await addFault(database.db, { command: 'collStats', collection: 'Span', reply: unauthorized });
        await serve();
        assert.deepEqual(
          logger.at('warn').map(({ fields }) => fields),
          [{ collections: ['Span'] }],
        );
      });

      it('does not warn if none is sharded', async () => {
        await refusesConfiguration(unauthorized);
        await addFault(database.db, { command: 'aggregate', reply: noCatalog });
        await addFault(database.db, { command: 'collStats', reply: { ok: 1, sharded: false } });
        await serve();
        assert.deepEqual(logger.lines, []);
      });
    });
  });

  describe('on a sharded cluster', () => {
    let isSharded = false;
    before(async function () {
      const probe = await createTestDatabase();
      const { msg } = await probe.db.command({ hello: 1 }).catch((): Document => ({}));
      await probe.remove();
      isSharded = msg === 'isdbgrid';
    });

    const shard = async (name: string, key: Document) => {
      const { databaseName } = database.db;
      const client = await MongoClient.connect(database.uri);
      await client.db('admin').command({ shardCollection: `${databaseName}.${name}`, key });
      await client.close();
    };

    for (const key of [{ _id: 'hashed' }, { _id: 1 }]) {
      it(`serves a collection sharded by ${JSON.stringify(key)}`, async function () {
        if (!isSharded) skip(this, 'this server is no sharded cluster');
        await shard('Span', key);
        const store = await openStore(database.uri, { mode: 'serve', logger });
        const commit = upload([map({ _id: 1n }), map({ _id: 2n })]);
        assert.equal((await store.commit(commit)).stored, 2);
        assert.equal((await store.commit(commit)).duplicates, 2);
        await store.close();
      });
    }

    for (const key of [{ traceId: 1 }, { _id: 1, traceId: 1 }]) {
      it(`refuses, or warns of, one sharded by ${JSON.stringify(key)}`, async function () {
        if (!isSharded) skip(this, 'this server is no sharded cluster');
        await shard('Span', key);
        // By what the user of MONGODB_URI may see.
        const outcome = await serve().then(
          () => logger.at('warn')[0]?.message,
          (error: unknown) => String(error),
        );
        assert.match(outcome ?? '', /Span is sharded by|the shard keys of collections cannot be read/);
      });
    }
  });
});

/** Lets the next `listCollections` answer with one collection. */
async function listsCollection(db: Db, collection: Document): Promise<void> {
  const reply = answer(`${db.databaseName}.$cmd.listCollections`, [collection]);
  await addFault(db, { command: 'listCollections', reply });
}

/** The answer of a command that gives a cursor. */
function answer(ns: string, firstBatch: readonly Document[]): Document {
  return { ok: 1, cursor: { id: 0n, ns, firstBatch } };
}
