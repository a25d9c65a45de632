import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type Realm from '../support/engine/realm.mjs';
import { BSON, engineName } from '../support/engine/realm.mjs';
import { describeStores } from '../support/describe-stores.js';
import { openDevice, openRealm, type Device } from '../support/device.js';
import { eventually } from '../support/eventually.js';
import { startIngest, type Ingest, type IngestSettings } from '../support/ingest.js';
import { useSite } from '../support/site.js';
import { storedCount, storedDeadLetters, storedDocuments } from '../support/stored.js';
import { expiryOf } from '../support/token-expiry.js';

const appId = 'session-edges';
const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

const schema: Realm.ObjectSchema[] = [
  {
    name: 'Chunk',
    asymmetric: true,
    primaryKey: '_id',
    properties: { _id: 'objectId', bytes: 'data' },
  },
];

describeStores(`a device (${engineName} engine) at the edges of what sessions are made for`, function (kind) {
  this.timeout(120_000);
  const site = useSite<Ingest, Partial<IngestSettings>>(kind, (store, settings = {}) =>
    startIngest({ appId, store, classes: ['Chunk'], ...settings }),
  );

  it('serves two users with two Realms each, which share their connections', async () => {
    const users = await Promise.all([open(), open()]);
    const devices = [
      ...users,
      ...(await Promise.all(users.map((device) => openRealm(device, 'second.realm', schema)))),
    ];
    const chunks = devices.map(() => Array.from({ length: 20 }, () => chunk(100)));
    for (const [round, place] of chunks[0]!.map((_, n) => n).entries()) {
      for (const [n, device] of devices.entries()) device.write('Chunk', chunks[n]![place]!);
      if (round % 5 === 0) site.network.drop();
      await devices[round % devices.length]!.uploaded();
    }
    await Promise.all(devices.map((device) => device.uploaded()));
    assert.equal(site.network.connections, 2);
    await assertStored(chunks.flat(), ...devices);
  });

  it('goes on with a long upload during which its access token expires again and again', async () => {
    await site.restart({ accessTokenSeconds: 1 });
    const device = await open();
    site.network.cut();
    const chunks = Array.from({ length: 60 }, () => chunk(100 * kibibyte));
    for (const each of chunks) device.write('Chunk', each);
    site.network.throttle(2 * mebibyte);
    site.network.connectTo(site.server.url);
    const uploaded = device.uploaded(60_000);
    for (let expired = 0; expired < 2; expired++) {
      const token = device.user.accessToken;
      await expiryOf(token);
      site.network.drop();
      await eventually('a fresh token', () => device.user.accessToken !== token);
    }
    assert.ok(
      (await storedCount(site.store, 'Chunk')) < chunks.length,
      'the upload was over before the token',
    );
    await uploaded;
    await assertStored(chunks, device);
  });

  it('uploads objects larger than a batch, and transactions larger than a commit', async () => {
    const device = await open();
    site.network.cut();
    const small = Array.from({ length: 100 }, () => chunk(10 * kibibyte)); // a client uploads 128 KiB at once
    for (const each of small) device.write('Chunk', each);
    const large = Array.from({ length: 9 }, () => chunk(mebibyte)); // the server commits 4 MiB at once
    device.write('Chunk', ...large);
    site.network.connectTo(site.server.url);
    await device.uploaded(60_000);
    await assertStored([...small, ...large], device);
  });

  it('uploads one transaction of 64 MiB', async () => {
    const device = await open();
    // Bytes that compress: the engine takes ten times as long with others, and this is about the size.
    const chunks = Array.from({ length: 64 }, () => chunk(mebibyte, 4 * kibibyte));
    device.write('Chunk', ...chunks);
    await device.uploaded(100_000);
    await assertStored(chunks, device);
  });

  it('refuses a message above --max-message-bytes, names the option, and serves other devices', async () => {
    await site.restart({ maxMessageBytes: mebibyte });
    const [device, other] = [await open(), await open()];
    const [before, tooLarge, after] = [chunk(10), chunk(2 * mebibyte), chunk(10)];
    device.write('Chunk', before);
    await device.uploaded();
    device.write('Chunk', tooLarge);
    device.write('Chunk', after);
    await eventually('the refusal', () => site.server.errors.length);
    assert.match(site.server.errors.join('\n'), /--max-message-bytes is 1048576/);
    other.write('Chunk', chunk(20));
    await other.uploaded();
    assert.equal(await storedCount(site.store, 'Chunk'), 2);

    await site.restart({ maxMessageBytes: 4 * mebibyte });
    device.realm.syncSession?.pause();
    device.realm.syncSession?.resume();
    await device.uploaded();
    assert.equal(await storedCount(site.store, 'Chunk'), 4);
  });

  function open(): Promise<Device> {
    return openDevice({ baseUrl: site.network.url, appId, schema });
  }

  /** These are stored, each once, and no app was told of anything. */
  async function assertStored(chunks: readonly Chunk[], ...devices: Device[]): Promise<void> {
    const documents = await storedDocuments(site.store, 'Chunk');
    const stored = documents.map(({ _id, bytes }) => [
      (_id as { $oid: string }).$oid,
      (bytes as { $binary: { base64: string } }).$binary.base64,
    ]);
    const written = chunks.map(({ _id, bytes }) => [
      _id.toHexString(),
      Buffer.from(bytes).toString('base64'),
    ]);
    assert.ok(isEqual(new Map(stored as [string, string][]), new Map(written as [string, string][])));
    assert.equal(documents.length, chunks.length);
    assert.deepEqual(await storedDeadLetters(site.store), []);
    assert.deepEqual(
      devices.flatMap(({ errors }) => errors),
      [],
    );
  }
});

interface Chunk extends Record<string, unknown> {
  readonly _id: InstanceType<typeof BSON.ObjectId>;
  readonly bytes: ArrayBuffer;
}

/** An object with `bytes` bytes, which compress only if they repeat. */
function chunk(size: number, repeatedAfter = size): Chunk {
  const bytes = Buffer.alloc(size, randomBytes(repeatedAfter));
  return { _id: new BSON.ObjectId(), bytes: Uint8Array.from(bytes).buffer };
}

/** `deepEqual` would print megabytes. */
function isEqual(some: ReadonlyMap<string, string>, others: ReadonlyMap<string, string>): boolean {
  return some.size === others.size && [...some].every(([id, bytes]) => others.get(id) === bytes);
}
