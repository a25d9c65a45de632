import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import type { MongoClientOptions } from 'mongodb';
import { loadDriver } from '../../../src/store/mongodb/driver.js';
import { resolveCollectionNames } from '../../../src/store/collection-names.js';
import { openMongodbStore } from '../../../src/store/mongodb/open-mongodb-store.js';
import { openStore } from '../../../src/store/open-store.js';
import {
  addFault,
  createTestDatabase,
  describeMongodb,
  noFaults,
  takesFaults,
} from '../../../../test/support/mongodb/test-database.js';
import { skip } from '../../../../test/support/skip.js';
import { RecordingLogger } from '../../../../test/support/server/recording-logger.js';
import { isStoreError } from '../../support/store-fixture.js';

describeMongodb('opening a MongoDB store that does not let us in', () => {
  const refusals = [
    ['MongoDB', { code: 13, errmsg: 'not authorized on telemetry to execute command' }],
    ['Atlas', { code: 8000, errmsg: 'bad auth : Authentication failed.', codeName: 'AtlasError' }],
  ] as const;
  for (const [whose, refusal] of refusals) {
    it(`fails at once, in the words of ${whose}`, async function () {
      const database = await createTestDatabase();
      try {
        if (!(await takesFaults(database.db))) skip(this, noFaults);
        await addFault(database.db, { command: 'listCollections', reply: { ok: 0, ...refusal } });
        const logger = new RecordingLogger();
        const opening = openStore(database.uri, { mode: 'serve', logger });
        await assert.rejects(opening, isStoreError('store-unavailable', true));
        await assert.rejects(opening, (error: Error) => error.message.includes(refusal.errmsg));
        assert.deepEqual(logger.lines, []);
      } finally {
        await database.remove();
      }
    });
  }
});

describe('opening a MongoDB store', () => {
  it('says what to install if the driver is missing', async () => {
    const missing = () => Promise.reject(new Error("Cannot find package 'mongodb'"));
    await assert.rejects(loadDriver(missing), isStoreError('store-driver-missing', false));
    await assert.rejects(loadDriver(missing), /npm install mongodb@7/);
  });

  describe('while MongoDB is down', () => {
    let uri: string;
    before(async () => {
      // A port that is not in use.
      const server = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      const { port } = server.address() as AddressInfo;
      await new Promise((resolve) => server.close(resolve));
      uri = `mongodb://user:secret@127.0.0.1:${port}/telemetry?serverSelectionTimeoutMS=100`;
    });

    it('fails for commands, without quoting the password', async () => {
      const opening = openStore(uri, { mode: 'command' });
      await assert.rejects(opening, isStoreError('store-unavailable', true));
      await assert.rejects(opening, (error: Error) => !error.message.includes('secret'));
    });

    it('waits for serve, logs that once a minute, and ends when it is aborted', async () => {
      const told = new AbortController();
      let attempts = 0;
      const driver = await loadDriver();
      class CountedClient extends driver.MongoClient {
        constructor(url: string, options?: MongoClientOptions) {
          super(url, options);
          attempts += 1;
          if (attempts === 3) told.abort();
        }
      }
      const logger = new RecordingLogger();
      const opening = openMongodbStore({
        ...{ url: uri, mode: 'serve', logger, signal: told.signal, maxDeadLetterBytes: 1 },
        ...{ retentionSeconds: undefined, indexAttributes: false, names: resolveCollectionNames({}) },
        loadDriver: () => Promise.resolve({ ...driver, MongoClient: CountedClient }),
      });
      await assert.rejects(opening, isStoreError('store-unavailable', true));
      assert.deepEqual([attempts, logger.lines.map(({ message }) => message)], [3, ['waiting for MongoDB']]);
    });
  });
});
