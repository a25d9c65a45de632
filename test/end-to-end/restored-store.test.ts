import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import sinon from 'sinon';
import { connect, RealmSpanExporter } from '../../src/index.js';
import Realm, { BSON, engineName } from '../support/engine/realm.mjs';
import { addApiKey } from '../support/api-keys.js';
import { describeStores } from '../support/describe-stores.js';
import { closeDevices, openDevice, type Device } from '../support/device.js';
import { eventually } from '../support/eventually.js';
import { startIngest, type Ingest, type IngestSettings } from '../support/ingest.js';
import { Network } from '../support/network.js';
import type { Scratch } from '../support/scratch.js';
import { createBackup, type StoreBackup } from '../support/store-backup.js';
import { storedDeadLetters, storedDocuments } from '../support/stored.js';
import { expiryOf } from '../support/token-expiry.js';

const appId = 'restored-store';
const schema: Realm.ObjectSchema[] = [
  { name: 'Note', asymmetric: true, primaryKey: '_id', properties: { _id: 'objectId', n: 'int' } },
];

const secret = 'one secret'.padEnd(32, '.');
const otherSecret = 'another secret'.padEnd(32, '.');

const aheadOfStore = /this store does not hold records that were acknowledged to the client/;
const secretHasChanged = /the server secret is not the secret of the last start with this store/;
const isAccepted = /signed with another secret; its anonymous user was accepted/;
const heldBack = /signed with another secret; its user is held back and keeps its records/;

describeStores(`a device (${engineName} engine) whose server loses its store or its secret`, function (kind) {
  this.timeout(120_000);
  let scratch: Scratch;
  let backup: StoreBackup;
  let network: Network;
  let server: Ingest;
  /** Another one for each test: users of one name are one user, and the engine remembers its users. */
  let userName: string;

  beforeEach(async () => {
    userName = `gateway ${randomUUID()}`;
    scratch = await kind.createScratch();
    backup = createBackup(scratch);
    network = await Network.create();
  });

  afterEach(async () => {
    closeDevices();
    await server.close();
    await network.close();
    await scratch.remove();
  });

  for (const login of ['anonymous', 'API key'] as const) {
    describe(`log-in: ${login}`, () => {
      const credentials = async (): Promise<Realm.AnyCredentials | undefined> =>
        login === 'anonymous'
          ? undefined
          : Realm.Credentials.apiKey(await addApiKey(scratch.store, userName));

      it('goes on if the store is lost and its secret was kept elsewhere', async () => {
        await startServer({ secret });
        const device = await open(await credentials());
        await writeAndUpload(device, 1);
        await stopServer();
        write(device, 2);
        await backup.lose();
        await startServer({ secret });
        await writeAndUpload(device, 3);
        await assertWhole(device, [2, 3]);
        assert.deepEqual(server.counters.sync.adoptedFiles, { unknown: 1, ahead: 1 });
        assertErrors(aheadOfStore);
      });

      it('goes on if the store is an older copy, also with a token that has expired meanwhile', async () => {
        await startServer({ accessTokenSeconds: 1 });
        const device = await open(await credentials());
        await writeAndUpload(device, 1);
        await stopServer();
        await backup.take();
        await startServer({ accessTokenSeconds: 1 });
        await writeAndUpload(device, 2);
        await stopServer();
        write(device, 3);
        await backup.restore();
        await expiryOf(device.user.accessToken);
        await startServer();
        await writeAndUpload(device, 4);
        await assertWhole(device, [1, 3, 4]);
        assert.deepEqual(server.counters.sync.adoptedFiles, { ahead: 1 });
        assertErrors(aheadOfStore);
      });
    });
  }

  describe('log-in: anonymous', () => {
    it('goes on if the secret is lost', async () => {
      await startServer({ secret });
      const device = await open();
      await writeAndUpload(device, 1);
      await stopServer();
      write(device, 2);
      await startServer({ secret: otherSecret });
      await writeAndUpload(device, 3);
      await assertWhole(device, [1, 2, 3]);
      assert.deepEqual(server.counters.sync.adoptedFiles, {});
      assertErrors(secretHasChanged, isAccepted);
    });

    it('goes on if the store is lost, and the secret with it', async () => {
      await startServer();
      const device = await open();
      await writeAndUpload(device, 1);
      await stopServer();
      write(device, 2);
      await backup.lose();
      await startServer();
      await writeAndUpload(device, 3);
      await assertWhole(device, [2, 3]);
      assert.deepEqual(server.counters.sync.adoptedFiles, { unknown: 1, unverified: 1, ahead: 1 });
      assert.equal(server.counters.users.unverifiedRefreshes, 1);
      assertErrors(isAccepted, aheadOfStore);
    });
  });

  describe('log-in: API key', () => {
    it('is held back if the secret is lost, until it logs in anew', async () => {
      await startServer({ secret });
      const key = await addApiKey(scratch.store, userName);
      const device = await open(Realm.Credentials.apiKey(key));
      await writeAndUpload(device, 1);
      await stopServer();
      write(device, 2);
      await startServer({ secret: otherSecret });
      await isHeldBack();
      await assert.rejects(device.uploaded(1000));
      await device.app.logIn(Realm.Credentials.apiKey(key));
      await writeAndUpload(device, 3);
      await assertWhole(device, [1, 2, 3]);
      assert.deepEqual(server.counters.sync.adoptedFiles, {});
      assertErrors(secretHasChanged, heldBack);
    });

    it('is the same user with a new key of its name, if the store is lost, and the secret with it', async () => {
      await startServer();
      const device = await open(Realm.Credentials.apiKey(await addApiKey(scratch.store, userName)));
      await writeAndUpload(device, 1);
      await stopServer();
      write(device, 2);
      await backup.lose();
      await startServer();
      await isHeldBack();
      await assert.rejects(device.uploaded(1000));
      const again = await device.app.logIn(
        Realm.Credentials.apiKey(await addApiKey(scratch.store, userName)),
      );
      assert.equal(again.id, device.user.id);
      await writeAndUpload(device, 3);
      await assertWhole(device, [2, 3]);
      assert.deepEqual(server.counters.sync.adoptedFiles, { unknown: 1, unverified: 1, ahead: 1 });
      assertErrors(heldBack, aheadOfStore);
    });
  });

  it('an exporter with an API key logs in anew by itself once it has been without its server for minutes', async () => {
    await startServer({ secret });
    const connection = connect({
      Realm,
      appId,
      baseUrl: network.url,
      directory: scratch.path,
      credentials: Realm.Credentials.apiKey(await addApiKey(scratch.store, userName)),
    });
    const spanProcessor = new SimpleSpanProcessor(new RealmSpanExporter({ connection }));
    const provider = new BasicTracerProvider({ spanProcessors: [spanProcessor] });
    const record = async (name: string): Promise<void> => {
      provider.getTracer(appId).startSpan(name).end();
      await provider.forceFlush();
    };
    try {
      await record('before');
      assert.ok(await connection.flush(30_000));
      await stopServer();
      await startServer({ secret: otherSecret });
      await record('after');
      await isHeldBack();
      assert.equal(await connection.flush(1000), false);
      const now = performance.now.bind(performance);
      sinon.stub(performance, 'now').callsFake(() => now() + 600_000);
      connection.pause(); // does not wait for the next look
      connection.resume();
      assert.ok(await connection.flush(30_000));
      const spans = await storedDocuments(scratch.store, 'Span');
      assert.deepEqual(spans.map(({ name }) => name).sort(), ['after', 'before']);
      assertErrors(secretHasChanged, heldBack);
    } finally {
      sinon.restore();
      await provider.shutdown();
    }
  });

  function open(credentials?: Realm.AnyCredentials): Promise<Device> {
    return openDevice({ baseUrl: network.url, appId, schema, ...(credentials && { credentials }) });
  }

  function write(device: Device, n: number): void {
    device.write('Note', { _id: new BSON.ObjectId(), n });
  }

  async function writeAndUpload(device: Device, n: number): Promise<void> {
    write(device, n);
    await device.uploaded();
  }

  async function startServer(settings: Partial<IngestSettings> = {}): Promise<void> {
    server = await startIngest({ appId, store: scratch.store, classes: ['Note'], ...settings });
    network.connectTo(server.url);
  }

  async function isHeldBack(): Promise<void> {
    await eventually(
      'it to be held back',
      () => server.errors.join('\n'),
      (errors) => errors.includes('its user is held back'),
    );
  }

  async function stopServer(): Promise<void> {
    network.cut();
    await server.close();
  }

  /** The store holds these notes, each once, and the app was told of nothing. */
  async function assertWhole(device: Device, numbers: number[]): Promise<void> {
    const notes = await storedDocuments(scratch.store, 'Note');
    const stored = notes.map(({ n }) => Number((n as { $numberLong: string }).$numberLong));
    assert.deepEqual(
      stored.sort((a, b) => a - b),
      numbers,
    );
    assert.deepEqual(await storedDeadLetters(scratch.store), []);
    assert.deepEqual(device.errors, []);
  }

  function assertErrors(...expected: RegExp[]): void {
    assert.equal(server.errors.length, expected.length, server.errors.join('\n'));
    for (const [place, pattern] of expected.entries()) assert.match(server.errors[place] ?? '', pattern);
  }
});
