import assert from 'node:assert/strict';
import * as mongodb from 'mongodb';
import { InvalidOptionError } from '../../../../src/wire/telemetry-error.js';
import { resolveCollectionNames } from '../../../src/store/collection-names.js';
import { openMongodbStore } from '../../../src/store/mongodb/open-mongodb-store.js';
import { openStore, type OpenStoreOptions } from '../../../src/store/open-store.js';
import { eventually } from '../../../../test/support/eventually.js';
import {
  addFault,
  createTestDatabase,
  describeMongodb,
  noFaults,
  takesFaults,
  type TestDatabase,
} from '../../../../test/support/mongodb/test-database.js';
import { skip } from '../../../../test/support/skip.js';
import { RecordingLogger } from '../../../../test/support/server/recording-logger.js';
import { map, upload } from '../../support/commit-request.js';

describeMongodb('the MongoDB store, when it is served,', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createTestDatabase();
  });
  afterEach(() => database.remove());

  const serve = async (options: Partial<OpenStoreOptions> = {}) => {
    const store = await openStore(database.uri, { mode: 'serve', ...options });
    await store.close();
  };
  const indexes = async (collection: string) => {
    const found = await database.db.collection(collection).listIndexes().toArray();
    return found.map(({ key, expireAfterSeconds }: { key: object; expireAfterSeconds?: number }) => ({
      key: Object.entries(key).flat().join(' '),
      ...(expireAfterSeconds !== undefined && { expireAfterSeconds }),
    }));
  };
  const keys = async (collection: string) => (await indexes(collection)).map(({ key }) => key);

  it('gets indexes by trace, and by service and time, also when served again', async () => {
    await serve();
    await serve();
    const byTrace = { key: 'traceId 1' };
    assert.deepEqual(await indexes('Span'), [
      { key: '_id 1' },
      byTrace,
      { key: 'resource.service.name 1 startTime -1' },
    ]);
    assert.deepEqual(await indexes('LogRecord'), [
      { key: '_id 1' },
      byTrace,
      { key: 'resource.service.name 1 time -1' },
    ]);
  });

  it('creates those of a class prefix', async () => {
    await serve({ classPrefix: 'Acme' });
    assert.equal((await indexes('AcmeSpan')).length, 3);
  });

  it('creates them in renamed collections', async () => {
    const collections = { Span: 'traces', Reading: 'readings' };
    await serve({ classes: ['Reading'], collections, retentionSeconds: 60, indexAttributes: true });
    const retention = 'ingest.receivedAt 1';
    assert.deepEqual(await keys('traces'), [
      ...['_id 1', 'traceId 1', 'resource.service.name 1 startTime -1', 'attributes.$** 1'],
      retention,
    ]);
    assert.ok((await keys('LogRecord')).includes('resource.service.name 1 time -1'));
    assert.deepEqual(await keys('readings'), ['_id 1', retention]);
    const names = (await database.db.listCollections().toArray()).map(({ name }) => name);
    assert.deepEqual(names.filter((name) => !name.startsWith('realm_ingest.')).sort(), [
      'LogRecord',
      'readings',
      'traces',
    ]);
  });

  it('keeps the user’s indexes, which replace ours on the same fields', async () => {
    const span = database.db.collection('Span');
    await span.createIndexes([{ key: { name: 1 } }, { key: { traceId: 1 }, name: 'by_trace' }]);
    await serve();
    await serve();
    assert.deepEqual(await keys('Span'), [
      ...['_id 1', 'name 1', 'traceId 1'],
      'resource.service.name 1 startTime -1',
    ]);
  });

  describe('with an index of attributes,', () => {
    const byAttribute = 'attributes.$** 1';

    it('gets one for spans and one for log records, also when served again', async () => {
      for (let round = 0; round < 2; round += 1) await serve({ indexAttributes: true, classes: ['Reading'] });
      for (const collection of ['Span', 'LogRecord']) {
        assert.equal((await keys(collection)).filter((key) => key === byAttribute).length, 1, collection);
      }
      const collections = await database.db.listCollections().toArray();
      assert.ok(!collections.some(({ name }) => name === 'Reading'));
    });

    it('drops it without the option', async () => {
      await serve({ indexAttributes: true });
      await serve();
      assert.deepEqual(await keys('Span'), ['_id 1', 'traceId 1', 'resource.service.name 1 startTime -1']);
      assert.ok(!(await keys('LogRecord')).includes(byAttribute));
    });

    it('keeps the user’s, and creates no other', async () => {
      const key = { 'attributes.$**': 1 } as const;
      await database.db.collection('Span').createIndexes([{ key, name: 'mine' }]);
      await serve({ indexAttributes: true });
      await serve();
      assert.equal((await keys('Span')).filter((found) => found === byAttribute).length, 1);
    });
  });

  describe('during a long index build,', () => {
    const slow = { command: 'createIndexes', collection: 'Span', execute: true, delayMillis: 4000 };
    const open = (logger: RecordingLogger) =>
      openMongodbStore({
        ...{ url: `${database.uri}${database.uri.includes('?') ? '&' : '?'}socketTimeoutMS=2000` },
        ...{ mode: 'serve', maxDeadLetterBytes: 2 ** 30, names: resolveCollectionNames({}) },
        ...{ retentionSeconds: undefined, indexAttributes: true, logger, signal: undefined },
        indexWaitMillis: 100,
      });

    beforeEach(async function () {
      if (!(await takesFaults(database.db))) skip(this, noFaults);
    });

    it('accepts uploads, also for longer than a socket may be silent', async () => {
      await addFault(database.db, slow);
      const logger = new RecordingLogger();
      const store = await open(logger);
      try {
        assert.equal(logger.lines.length, 1);
        await store.commit(upload([map({ _id: 1n })]));
        await eventually(
          'two lines',
          () => logger.lines.length,
          (count) => count === 2,
        );
        assert.deepEqual(
          logger.lines.map(({ message }) => message),
          ['indexes are being built; uploads are taken meanwhile', 'indexes are built'],
        );
        assert.ok((await keys('Span')).includes('traceId 1'));
      } finally {
        await store.close();
      }
    });

    it('logs a failure', async () => {
      await addFault(database.db, {
        ...slow,
        execute: false,
        reply: { ok: 0, code: 86, errmsg: 'other options' },
      });
      const logger = new RecordingLogger();
      const store = await open(logger);
      await eventually(
        'two lines',
        () => logger.lines.length,
        (count) => count === 2,
      );
      await store.close();
      assert.match(
        String((logger.at('warn')[0]?.fields as { err: Error }).err),
        /Span is in the way: other options/,
      );
    });

    it('gives up silently when it is closed', async () => {
      await addFault(database.db, slow);
      const logger = new RecordingLogger();
      const store = await open(logger);
      await store.close();
      assert.equal(logger.lines.length, 1);
    });
  });

  describe('with a retention,', () => {
    const retention = { key: 'ingest.receivedAt 1', expireAfterSeconds: 3600 };
    const ofReceipt = async (collection: string) =>
      (await indexes(collection)).filter(({ key }) => key === retention.key);

    it('lets MongoDB delete by the time of receipt, in every collection', async () => {
      await serve({ retentionSeconds: 3600, classes: ['Reading'] });
      await serve({ retentionSeconds: 3600, classes: ['Reading'] });
      for (const collection of ['Span', 'LogRecord', 'Reading']) {
        assert.deepEqual(await ofReceipt(collection), [retention], collection);
      }
    });

    it('alters the index if the retention has changed', async () => {
      await serve({ retentionSeconds: 60 });
      // The server of `npm run mongodb` has no collMod: it is told to take it.
      const isTold = await takesFaults(database.db);
      if (isTold) await addFault(database.db, { command: 'collMod', times: 2, reply: { ok: 1 } });
      assert.deepEqual(await alterations({ retentionSeconds: 3600 }), [
        { collMod: 'Span', index: { name: 'realm_ingest_retention', expireAfterSeconds: 3600 } },
        { collMod: 'LogRecord', index: { name: 'realm_ingest_retention', expireAfterSeconds: 3600 } },
      ]);
      if (!isTold) assert.deepEqual(await ofReceipt('Span'), [retention]);
    });

    it('does not touch the index if the retention has not changed', async () => {
      await serve({ retentionSeconds: 3600 });
      assert.deepEqual(await alterations({ retentionSeconds: 3600 }), []);
    });

    /** The collMod commands that are sent when the store is served. */
    async function alterations({ retentionSeconds }: { retentionSeconds: number }): Promise<object[]> {
      const sent: object[] = [];
      class WatchedClient extends mongodb.MongoClient {
        constructor(url: string, options?: mongodb.MongoClientOptions) {
          super(url, { ...options, monitorCommands: true });
          this.on('commandStarted', ({ commandName, command }) => {
            const { collMod, index } = command as { collMod?: string; index?: object };
            if (commandName === 'collMod') sent.push({ collMod, index });
          });
        }
      }
      const store = await openMongodbStore({
        ...{ url: database.uri, mode: 'serve', maxDeadLetterBytes: 2 ** 30 },
        ...{ names: resolveCollectionNames({}), retentionSeconds, indexAttributes: false },
        ...{ logger: undefined, signal: undefined },
        loadDriver: () => Promise.resolve({ ...mongodb, MongoClient: WatchedClient }),
      });
      await store.close();
      return sent;
    }

    it('drops it without a retention', async () => {
      await serve({ retentionSeconds: 3600 });
      await serve();
      assert.deepEqual(await ofReceipt('Span'), []);
    });

    it('refuses values out of range', async () => {
      for (const retentionSeconds of [0, 1.5, 2 ** 31, Number.NaN]) {
        await assert.rejects(serve({ retentionSeconds }), InvalidOptionError);
      }
    });
  });
});
