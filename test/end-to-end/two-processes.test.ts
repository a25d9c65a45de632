import assert from 'node:assert/strict';
import type Realm from '../support/engine/realm.mjs';
import { BSON, engineName } from '../support/engine/realm.mjs';
import { describeStores } from '../support/describe-stores.js';
import { openDevice } from '../support/device.js';
import { startIngestProcess } from '../support/ingest-process.js';
import { useSite } from '../support/site.js';
import { storedCount, storedDeadLetters } from '../support/stored.js';

const appId = 'two-processes';
const schema: Realm.ObjectSchema[] = [
  { name: 'Note', asymmetric: true, primaryKey: '_id', properties: { _id: 'objectId' } },
];

describeStores(`realm-js (${engineName} engine) and realm-ingest in two processes`, function (kind) {
  this.timeout(120_000);
  const site = useSite(kind, (store) => startIngestProcess({ appId, store, options: ['--classes', 'Note'] }));

  it('loses nothing and stores nothing twice over SIGKILLs of the server', async () => {
    const device = await openDevice({ baseUrl: site.network.url, appId, schema });
    const stopWriting = device.keepWriting('Note');
    let written: number;
    try {
      for (let kills = 0; kills < 3; kills++) {
        await device.uploaded(30_000);
        await site.server.kill();
        site.network.cut();
        await site.restart();
      }
    } finally {
      written = stopWriting();
    }
    await device.uploaded(30_000);
    assert.equal(await storedCount(site.store, 'Note'), written);
    assert.deepEqual(await storedDeadLetters(site.store), []);
  });

  it('ends with exit code 0 within seconds on SIGTERM, while a device uploads', async () => {
    const device = await openDevice({ baseUrl: site.network.url, appId, schema });
    device.realm.write(() => {
      for (let n = 0; n < 1000; n++) device.realm.create('Note', { _id: new BSON.ObjectId() });
    });
    const begun = performance.now();
    assert.equal(await site.server.stop(), 0, site.server.output());
    assert.ok(performance.now() - begun < 20_000, 'it took longer than twenty seconds');

    await site.restart();
    await device.uploaded(30_000);
    assert.equal(await storedCount(site.store, 'Note'), 1000);
  });
});
