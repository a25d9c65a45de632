import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { loadDriver } from '../../../../src/ingest/store/mongodb/driver.js';
import { openStore } from '../../../../src/ingest/store/open-store.js';
import {
  addFault,
  createTestDatabase,
  describeMongodb,
  noFaults,
  takesFaults,
} from '../../../mongodb/test-database.js';
import { skip } from '../../../skip.js';
import { RecordingLogger } from '../../recording-logger.js';
import { isStoreError } from '../store-fixture.js';

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
  it('says what to install where the driver is missing', async () => {
    const missing = () => Promise.reject(new Error("Cannot find package 'mongodb'"));
    await assert.rejects(loadDriver(missing), isStoreError('store-driver-missing', false));
    await assert.rejects(loadDriver(missing), /npm install mongodb@7/);
  });

  describe('while MongoDB is down', () => {
    let uri: string;
    before(async () => {
      // A port that was free a moment ago.
      const server = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      const { port } = server.address() as AddressInfo;
      await new Promise((resolve) => server.close(resolve));
      uri = `mongodb://user:secret@127.0.0.1:${port}/telemetry?serverSelectionTimeoutMS=100`;
    });

    it('fails for commands, without telling the password', async () => {
      const opening = openStore(uri, { mode: 'command' });
      await assert.rejects(opening, isStoreError('store-unavailable', true));
      await assert.rejects(opening, (error: Error) => !error.message.includes('secret'));
    });

    it('waits to be served, says so, and ends when it is told to', async () => {
      const told = new AbortController();
      const lines: string[] = [];
      const logger = {
        info: () => undefined,
        warn: (_fields: unknown, message?: string) => {
          lines.push(message ?? '');
          told.abort();
        },
      };
      const opening = openStore(uri, { mode: 'serve', logger, signal: told.signal });
      await assert.rejects(opening, isStoreError('store-unavailable', true));
      assert.deepEqual(lines, ['waiting for MongoDB']);
    });
  });
});
