import assert from 'node:assert/strict';
import type Realm from '../engine/realm.mjs';
import { BSON, engineName } from '../engine/realm.mjs';
import { closeDevices, openDevice } from './device.js';
import { startIngestProcess, type IngestProcess } from './ingest-process.js';
import { Network } from './network.js';
import { createScratch, type Scratch } from './scratch.js';
import { storedCount, storedDeadLetters } from './stored.js';

const appId = 'two-processes';
const schema: Realm.ObjectSchema[] = [
  { name: 'Note', asymmetric: true, primaryKey: '_id', properties: { _id: 'objectId' } },
];

describe(`realm-js (${engineName} engine) and realm-ingest in two processes`, function () {
  this.timeout(60_000);
  let scratch: Scratch;
  let network: Network;
  let server: IngestProcess;

  beforeEach(async () => {
    scratch = await createScratch();
    network = await Network.create();
    await startServer();
  });

  afterEach(async () => {
    closeDevices();
    await server.kill();
    await network.close();
    await scratch.remove();
  });

  it('loses nothing and stores nothing twice over SIGKILLs of the server', async () => {
    const device = await openDevice({ baseUrl: network.url, appId, schema });
    let written = 0;
    const writing = setInterval(() => {
      device.write('Note', { _id: new BSON.ObjectId() });
      written++;
    }, 5);
    try {
      for (let kills = 0; kills < 3; kills++) {
        await device.uploaded(30_000);
        await server.kill();
        network.cut();
        await startServer();
      }
    } finally {
      clearInterval(writing);
    }
    await device.uploaded(30_000);
    assert.equal(await storedCount(scratch.store, 'Note'), written);
    assert.deepEqual(await storedDeadLetters(scratch.store), []);
  });

  it('ends with exit code 0 within seconds on SIGTERM, while a device uploads', async () => {
    const device = await openDevice({ baseUrl: network.url, appId, schema });
    device.realm.write(() => {
      for (let n = 0; n < 1000; n++) device.realm.create('Note', { _id: new BSON.ObjectId() });
    });
    const begun = performance.now();
    assert.equal(await server.stop(), 0, server.output());
    assert.ok(performance.now() - begun < 10_000, 'it took longer than ten seconds');

    await startServer();
    await device.uploaded(30_000);
    assert.equal(await storedCount(scratch.store, 'Note'), 1000);
  });

  async function startServer(): Promise<void> {
    server = await startIngestProcess({ appId, store: scratch.store, options: ['--classes', 'Note'] });
    network.connectTo(server.url);
  }
});
