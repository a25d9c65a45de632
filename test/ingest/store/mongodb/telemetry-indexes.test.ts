import assert from 'node:assert/strict';
import { InvalidOptionError } from '../../../../src/errors.js';
import { openStore, type OpenStoreOptions } from '../../../../src/ingest/store/open-store.js';
import {
  addFault,
  createTestDatabase,
  describeMongodb,
  takesFaults,
  type TestDatabase,
} from '../../../mongodb/test-database.js';
import { map, upload } from '../commit-request.js';
import { isStoreError } from '../store-fixture.js';

describeMongodb('the MongoDB store, when it is served,', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createTestDatabase();
  });
  afterEach(() => database.remove());

  const serve = async (options: Partial<OpenStoreOptions> = {}) => {
    const store = await openStore(database.uri, { mode: 'serve', ...options });
    try {
      await store.commit(upload([map({ _id: 1n })], 'Span'));
    } finally {
      await store.close();
    }
  };
  const indexes = async (collection: string) => {
    const found = await database.db.collection(collection).listIndexes().toArray();
    return found.map(({ key, expireAfterSeconds }: { key: object; expireAfterSeconds?: number }) => ({
      key: Object.entries(key).flat().join(' '),
      ...(expireAfterSeconds !== undefined && { expireAfterSeconds }),
    }));
  };

  it('has indexes by trace, and by service and time, however often it is', async () => {
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

  it('makes those of a class prefix', async () => {
    await serve({ classPrefix: 'Acme' });
    assert.equal((await indexes('AcmeSpan')).length, 3);
  });

  it('leaves the user’s indexes alone', async () => {
    await database.db.collection('Span').createIndexes([{ key: { name: 1 } }]);
    await serve();
    assert.equal((await indexes('Span')).length, 4);
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

    it('alters the index where the retention has changed', async function () {
      await serve({ retentionSeconds: 60 });
      // The server of `npm run mongodb` has no collMod.
      if (await takesFaults(database.db)) this.skip();
      await serve({ retentionSeconds: 3600 });
      assert.deepEqual(await ofReceipt('Span'), [retention]);
    });

    it('drops it where there is none any more', async () => {
      await serve({ retentionSeconds: 3600 });
      await serve();
      assert.deepEqual(await ofReceipt('Span'), []);
    });

    it('refuses what is out of range, and SQLite', async () => {
      for (const retentionSeconds of [0, 1.5, 2 ** 31, Number.NaN]) {
        await assert.rejects(serve({ retentionSeconds }), InvalidOptionError);
      }
      const sqlite = openStore('sqlite:none.db', { mode: 'serve', retentionSeconds: 60 });
      await assert.rejects(sqlite, InvalidOptionError);
    });
  });

  describe('refuses', () => {
    const kinds = [
      { what: 'a view', type: 'view', options: {} },
      { what: 'a time-series collection', type: 'timeseries', options: {} },
      { what: 'a capped collection', type: 'collection', options: { capped: true } },
    ];
    for (const { what, ...info } of kinds) {
      it(`${what} in the telemetry’s place`, async () => {
        if (await takesFaults(database.db)) {
          const cursor = { id: 0n, ns: 'x.$cmd.listCollections', firstBatch: [{ name: 'Span', ...info }] };
          await addFault(database.db, { command: 'listCollections', reply: { ok: 1, cursor } });
        } else if (info.type === 'view') {
          await database.db.createCollection('Span', { viewOn: 'Other', pipeline: [] });
        } else if (info.type === 'timeseries') {
          await database.db.createCollection('Span', { timeseries: { timeField: 'startTime' } });
        } else {
          await database.db.createCollection('Span', { capped: true, size: 4096 });
        }
        await assert.rejects(serve(), isStoreError('store-incompatible', false));
      });
    }
  });
});
