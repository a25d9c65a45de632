import assert from 'node:assert/strict';
import { createIngestServer, type IngestServer } from '../../src/server/ingest-server.js';
import { openStore } from '../../src/store/open-store.js';
import type { Store } from '../../src/store/store.js';
import { eventually } from '../../../test/support/eventually.js';
import {
  describeProxiedMongodb,
  MongodbProxy,
  type WireCommand,
} from '../../../test/support/mongodb/mongodb-proxy.js';
import {
  addFault,
  createTestDatabase,
  noFaults,
  takesFaults,
  type TestDatabase,
} from '../../../test/support/mongodb/test-database.js';
import { skip } from '../../../test/support/skip.js';
import { RecordingLogger } from '../../../test/support/server/recording-logger.js';
import { isStoreError } from '../support/store-fixture.js';

const settings = 'realm_ingest.settings';

describeProxiedMongodb('a server that starts, when MongoDB goes away after its store is open', () => {
  let database: TestDatabase;
  let proxy: MongodbProxy;
  let logger: RecordingLogger;
  let server: IngestServer;
  let store: Store | undefined;

  beforeEach(async () => {
    database = await createTestDatabase();
    proxy = await MongodbProxy.create(database.uri);
    logger = new RecordingLogger();
    server = create(`${proxy.uri}&serverSelectionTimeoutMS=500`);
  });

  afterEach(async () => {
    await server.close();
    await store?.close();
    store = undefined;
    await proxy.close();
    await database.remove();
  });

  const create = (given: string | Store): IngestServer =>
    createIngestServer({ appId: 'starting', port: 0, store: given, logger });
  const messages = (): string[] => logger.lines.map(({ message }) => message);
  const isWaiting = () => eventually('a line that says so', () => messages().includes('waiting for MongoDB'));

  const moments: readonly (readonly [string, (command: WireCommand) => boolean])[] = [
    ['reads the secret', ({ name, collection }) => name === 'find' && collection === settings],
    ['keeps a new secret', ({ name, collection }) => name === 'insert' && collection === settings],
    ['keeps its fingerprint', ({ name, collection }) => name === 'update' && collection === settings],
  ];
  for (const [what, matches] of moments) {
    for (const by of ['RST', 'FIN'] as const) {
      it(`and it ${what}: waits, says so, and listens when MongoDB is back (${by})`, async () => {
        const reached = proxy.hold(matches);
        const starting = server.start();
        await reached;
        proxy.cut(by);
        await isWaiting();
        proxy.restore();
        assert.match((await starting).url, /^http:/u);
        assert.equal(messages().filter((message) => message === 'waiting for MongoDB').length, 1);
        assert.equal(
          messages().filter((message) => message.startsWith('a server secret was made')).length,
          1,
        );
      });
    }
  }

  it('stops waiting when it is closed', async () => {
    const reached = proxy.hold(({ name, collection }) => name === 'find' && collection === settings);
    const starting = server.start();
    await reached;
    proxy.cut();
    await isWaiting();
    await server.close();
    await assert.rejects(starting);
  });

  it('stops waiting for a given store, too', async () => {
    store = await openStore(`${proxy.uri}&serverSelectionTimeoutMS=500`, { mode: 'serve', logger });
    server = create(store);
    proxy.cut();
    const starting = server.start();
    await isWaiting();
    await server.close();
    await assert.rejects(starting, /closed while it started/);
  });

  it('fails at once if MongoDB denies access', async function () {
    if (!(await takesFaults(database.db))) skip(this, noFaults);
    const refusal = { ok: 0, code: 13, errmsg: 'not authorized on telemetry to execute command' };
    await addFault(database.db, { command: 'find', collection: settings, reply: refusal });
    await assert.rejects(server.start(), isStoreError('store-unavailable', true));
    assert.ok(!messages().includes('waiting for MongoDB'));
  });
});
