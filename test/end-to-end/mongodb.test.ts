import assert from 'node:assert/strict';
import type Realm from '../engine/realm.mjs';
import { BSON, engineName } from '../engine/realm.mjs';
import { createTestDatabase, describeMongodb, type TestDatabase } from '../mongodb/test-database.js';
import { closeDevices, openDevice } from './device.js';
import { startIngestProcess, type IngestProcess } from './ingest-process.js';
import { Network } from './network.js';
import { closeReader, storedCount, storedDeadLetters } from './stored.js';

const appId = 'several-processes';
const schema: Realm.ObjectSchema[] = [
  { name: 'Note', asymmetric: true, primaryKey: '_id', properties: { _id: 'objectId' } },
];

describeMongodb(`realm-js (${engineName} engine) and three realm-ingest on one MongoDB`, function () {
  this.timeout(90_000);
  let database: TestDatabase;
  let network: Network;
  let servers: IngestProcess[];

  beforeEach(async () => {
    database = await createTestDatabase();
    network = await Network.create();
    servers = await Promise.all([startServer(), startServer(), startServer()]);
  });

  afterEach(async () => {
    closeDevices();
    await Promise.all(servers.map((server) => server.kill()));
    await network.close();
    await closeReader(database.uri);
    await database.remove();
  });

  it('loses nothing and stores nothing twice while a device is thrown from one to the next', async () => {
    network.connectTo(servers[0]!.url);
    const device = await openDevice({ baseUrl: network.url, appId, schema });
    let written = 0;
    const writing = setInterval(() => {
      device.write('Note', { _id: new BSON.ObjectId() });
      written++;
    }, 5);
    try {
      for (const next of [1, 2, 0, 1]) {
        await device.uploaded(30_000);
        network.cut();
        network.connectTo(servers[next]!.url);
      }
      await servers[0]!.kill();
    } finally {
      clearInterval(writing);
    }
    await device.uploaded(30_000);
    assert.equal(await storedCount(database.uri, 'Note'), written);
    assert.deepEqual(await storedDeadLetters(database.uri), []);
  });

  function startServer(): Promise<IngestProcess> {
    return startIngestProcess({ appId, store: database.uri, options: ['--classes', 'Note'] });
  }
});
