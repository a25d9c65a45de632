import assert from 'node:assert/strict';
import Realm, { BSON, engineName } from '../support/engine/realm.mjs';
import { describeStores } from '../support/describe-stores.js';
import { openDevice, type Device } from '../support/device.js';
import { eventually } from '../support/eventually.js';
import { everyTypeSamples, everyTypeSchema } from '../support/every-type.js';
import { startIngest } from '../support/ingest.js';
import { useSite } from '../support/site.js';
import { storedCount, storedDeadLetters, storedDocuments } from '../support/stored.js';

const appId = 'engine';
const noteSchema: Realm.ObjectSchema[] = [
  {
    name: 'Note',
    asymmetric: true,
    primaryKey: '_id',
    properties: { _id: 'objectId', text: 'string', n: 'int' },
  },
];

describeStores(`realm-js (${engineName} engine) and realm-ingest in one process`, (kind) => {
  const site = useSite(kind, (store) => startIngest({ appId, store, classes: ['Note', 'EveryType'] }));

  it('stores a class of every property type as it was written', async () => {
    const device = await open(everyTypeSchema);
    const samples = everyTypeSamples(BSON);
    for (const { values } of samples) device.write('EveryType', values);
    await device.uploaded();
    assert.deepEqual(
      await storedDocuments(site.store, 'EveryType'),
      samples.map(({ expected }) => expected),
    );
  });

  it('uploads what was written while the network was away', async () => {
    const device = await open();
    site.network.cut();
    device.write('Note', note(1), note(2));
    device.write('Note', note(3));
    assert.equal(await storedCount(site.store, 'Note'), 0);
    site.network.connectTo(site.server.url);
    await device.uploaded();
    assert.deepEqual(await storedNumbers(), [1, 2, 3]);
  });

  it('stores once what was committed but not acknowledged when the server went away', async () => {
    const device = await open();
    site.network.silenceServer();
    device.write('Note', note(1), note(2));
    await eventually(
      'the commit',
      () => storedCount(site.store, 'Note'),
      (n) => n === 2,
    );
    site.network.cut();
    await site.restart();
    device.write('Note', note(3));
    await device.uploaded();
    assert.deepEqual(await storedNumbers(), [1, 2, 3]);
    assert.deepEqual(await storedDeadLetters(site.store), []);
  });

  it('goes on after five cuts in a row', async () => {
    const device = await open();
    for (let n = 1; n <= 5; n++) {
      site.network.drop();
      device.write('Note', note(n));
      await device.uploaded();
    }
    assert.deepEqual(await storedNumbers(), [1, 2, 3, 4, 5]);
  });

  it('takes the files of devices that come back after the store was lost', async () => {
    const device = await open();
    device.write('Note', note(1));
    await device.uploaded();
    await site.loseStore();
    device.write('Note', note(2));
    await device.uploaded();
    assert.deepEqual(await storedNumbers(), [2]);
  });

  it('serves two devices at once', async () => {
    const devices = [await open(), await open()];
    await Promise.all(
      devices.map(async (device, place) => {
        for (let n = 0; n < 20; n++) device.write('Note', note(place * 100 + n));
        await device.uploaded();
      }),
    );
    assert.equal(await storedCount(site.store, 'Note'), 40);
  });

  it('serves two Realms of one user', async () => {
    const device = await open();
    const other = await Realm.open({
      schema: noteSchema,
      path: 'other.realm',
      sync: { user: device.user, flexible: true },
    });
    device.write('Note', note(1));
    other.write(() => other.create('Note', note(2)));
    await device.uploaded();
    await other.syncSession?.uploadAllLocalChanges(30_000);
    other.syncSession?.pause();
    other.close();
    assert.deepEqual(await storedNumbers(), [1, 2]);
  });

  describe('the same _id from two devices', () => {
    it('is one document if both wrote the same', async () => {
      const same = note(1);
      for (const device of [await open(), await open()]) {
        device.write('Note', same);
        await device.uploaded();
      }
      assert.deepEqual(await storedNumbers(), [1]);
      assert.deepEqual(await storedDeadLetters(site.store), []);
    });

    it('is the first document, and a dead letter for the other', async () => {
      const first = note(1);
      for (const object of [first, { ...first, n: 2 }]) {
        const device = await open();
        device.write('Note', object);
        await device.uploaded(); // the second, too, is acknowledged
      }
      assert.deepEqual(await storedNumbers(), [1]);
      const letters = await storedDeadLetters(site.store);
      assert.deepEqual(
        letters.map(({ reason, className }) => ({ reason, className })),
        [{ reason: 'id-conflict', className: 'Note' }],
      );
    });
  });

  it('sets a class that was not admitted aside, and stores the rest of its changeset', async () => {
    const stranger: Realm.ObjectSchema = {
      name: 'Stranger',
      asymmetric: true,
      primaryKey: '_id',
      properties: { _id: 'objectId' },
    };
    const device = await open([...noteSchema, stranger]);
    device.realm.write(() => {
      device.realm.create('Stranger', { _id: new BSON.ObjectId() });
      device.realm.create('Note', note(1));
    });
    await device.uploaded();
    assert.deepEqual(await storedNumbers(), [1]);
    const letters = await storedDeadLetters(site.store);
    assert.deepEqual(
      letters.map(({ reason, className }) => ({ reason, className })),
      [{ reason: 'class-not-admitted', className: 'Stranger' }],
    );
  });

  function open(schema = noteSchema): Promise<Device> {
    return openDevice({ baseUrl: site.network.url, appId, schema });
  }

  async function storedNumbers(): Promise<number[]> {
    const notes = await storedDocuments(site.store, 'Note');
    return notes.map(({ n }) => Number((n as { $numberLong: string }).$numberLong)).sort((a, b) => a - b);
  }
});

function note(n: number): { _id: unknown; text: string; n: number } {
  return { _id: new BSON.ObjectId(), text: `note ${n}`, n };
}
