import assert from 'node:assert/strict';
import {
  createIngestServer,
  openStore,
  StoreError,
  type IngestServer,
  type Store,
} from '../../src/ingest/index.js';
import type Realm from '../engine/realm.mjs';
import { BSON, engineName } from '../engine/realm.mjs';
import { RecordingLogger } from '../ingest/recording-logger.js';
import { closeDevices, openDevice } from './device.js';
import { eventually } from './eventually.js';
import { Network } from './network.js';
import { createScratch, type Scratch } from './scratch.js';
import { toWebSocketMessages } from './web-socket-messages.js';

const appId = 'back-off';

const schema: Realm.ObjectSchema[] = [
  { name: 'Chunk', asymmetric: true, primaryKey: '_id', properties: { _id: 'objectId', text: 'string' } },
];

describe(`a device (${engineName} engine) that is sent away`, function () {
  this.timeout(120_000);
  let scratch: Scratch;
  let store: Store;
  let server: IngestServer;
  let network: Network;

  beforeEach(async () => {
    scratch = await createScratch();
    store = await openStore(scratch.store, { mode: 'serve' });
    const logger = new RecordingLogger();
    server = createIngestServer({ appId, store, port: 0, allowAnonymous: true, classes: ['Chunk'], logger });
    network = await Network.create();
    network.connectTo((await server.start()).url);
  });

  afterEach(async () => {
    closeDevices();
    await network.close();
    await server.close();
    await store.close();
    await scratch.remove();
  });

  /** Messages of all connections so far whose text begins so. */
  const messages = (side: 'fromClient' | 'fromServer', beginning: string): string[] =>
    network.recordings
      .flatMap((recording) => toWebSocketMessages(recording)?.[side] ?? [])
      .map((message) => message.toString('latin1'))
      .filter((message) => message.startsWith(beginning));

  it('because the store takes nothing stays away as long as it was told, then sends all again', async () => {
    const commit = store.commit.bind(store);
    store.commit = () => Promise.reject(new StoreError('store-unavailable', 'no', { retryable: true }));
    const device = await openDevice({ baseUrl: network.url, appId, schema });
    const binds = (): number => messages('fromClient', 'bind ').length;
    device.write('Chunk', { _id: new BSON.ObjectId(), text: 'kept' });

    const [error] = await eventually(
      'the error',
      () => messages('fromServer', 'json_error '),
      (all) => all.length > 0,
      60_000,
    );
    const sentAwayAt = performance.now();
    store.commit = commit;
    const bindsBefore = binds();
    const told = Number(/"backoffIntervalSec":(\d+)/.exec(error ?? '')?.[1]);
    assert.ok(told >= 5 && told <= 20, error);
    await eventually('it to come back', () => binds() > bindsBefore, Boolean, 60_000);
    const seconds = (performance.now() - sentAwayAt) / 1000;
    // Clients come up to a quarter earlier, so that they do not all come at once.
    assert.ok(seconds > told * 0.74 && seconds < told + 10, `told ${told} s, back after ${seconds} s`);

    await device.uploaded(30_000);
    assert.equal(server.counters?.uploads.documents, 1);
    assert.equal(server.counters.uploads.storeFailures['store-unavailable']! > 0, true);
    assert.deepEqual(device.errors, []);
  });
});
