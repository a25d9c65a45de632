import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  createIngestServer,
  openStore,
  StoreError,
  type IngestServer,
  type Store,
} from '../../realm-ingest/src/index.js';
import type Realm from '../support/engine/realm.mjs';
import { BSON, engineName } from '../support/engine/realm.mjs';
import { RecordingLogger } from '../support/server/recording-logger.js';
import { closeDevices, openDevice, type Device } from '../support/device.js';
import { eventually } from '../support/eventually.js';
import { Network } from '../support/network.js';
import { createScratch } from '../support/scratch.js';
import { toWebSocketMessages } from '../support/web-socket-messages.js';

const schema: Realm.ObjectSchema[] = [
  { name: 'Chunk', asymmetric: true, primaryKey: '_id', properties: { _id: 'objectId', text: 'string' } },
];

/** Why a device is sent away. */
interface Reason {
  readonly appId: string;
  /** What its uploads come to until it is. */
  readonly commit: (commit: Store['commit'], over: Promise<void>) => Store['commit'];
  readonly maxInflightBytes?: number;
}

const storeFails: Reason = {
  appId: 'store-fails',
  commit: () => () => Promise.reject(new StoreError('store-unavailable', 'no', { retryable: true })),
};

/** One upload is more than the budget has, and stays in it: its connection is not read any more. */
const overload: Reason = {
  appId: 'overload',
  commit: (commit, over) => async (request) => {
    await over;
    return commit(request);
  },
  maxInflightBytes: 1024,
};

/** A server that sends a device away, and the device. */
class SentAway {
  readonly #closing: (() => Promise<void>)[] = [];

  /** What the device was told, and when it came back; resolves when everything is uploaded. */
  async run({ appId, commit: failing, maxInflightBytes }: Reason): Promise<{
    readonly error: string;
    readonly toldSeconds: number;
    readonly awaySeconds: number;
    readonly device: Device;
    readonly server: IngestServer;
    readonly stored: readonly unknown[];
  }> {
    const scratch = await createScratch();
    this.#closing.unshift(() => scratch.remove());
    const store = await openStore(scratch.store, { mode: 'serve' });
    this.#closing.unshift(() => store.close());
    const server = createIngestServer({
      ...{ appId, store, port: 0, allowAnonymous: true, classes: ['Chunk'], maxInflightBytes },
      logger: new RecordingLogger(),
    });
    this.#closing.unshift(() => server.close());
    const network = await Network.create();
    this.#closing.unshift(() => network.close());
    network.connectTo((await server.start()).url);

    let end = (): void => undefined;
    const over = new Promise<void>((resolve) => (end = resolve));
    this.#closing.unshift(async () => {
      end();
      await Promise.resolve();
    });
    const commit = store.commit.bind(store);
    store.commit = failing(commit, over);

    const device = await openDevice({ baseUrl: network.url, appId, schema });
    // Random, as what compresses well would not fill the budget.
    device.write('Chunk', { _id: new BSON.ObjectId(), text: randomBytes(10_000).toString('hex') });
    let notYetAt = performance.now();
    const [error = ''] = await eventually(
      'the error',
      () => {
        const all = messages(network, 'fromServer', 'json_error ');
        if (all.length === 0) notYetAt = performance.now();
        return all;
      },
      (all) => all.length > 0,
      60_000,
    );
    store.commit = commit;
    end();
    const binds = (): number => messages(network, 'fromClient', 'bind ').length;
    const bindsBefore = binds();
    await eventually('it to come back', () => binds() > bindsBefore, Boolean, 60_000);
    // From the last look before it was sent away to the first one after it came back: no less than it was.
    const awaySeconds = (performance.now() - notYetAt) / 1000;
    await device.uploaded(30_000);
    const stored = [];
    for await (const document of store.documents('Chunk')) stored.push(document);
    const toldSeconds = Number(/"backoffIntervalSec":(\d+)/.exec(error)?.[1]);
    return { error, toldSeconds, awaySeconds, device, server, stored };
  }

  async close(): Promise<void> {
    for (const close of this.#closing) await close();
  }
}

/** Messages of all connections so far whose text begins so. */
function messages(network: Network, side: 'fromClient' | 'fromServer', beginning: string): string[] {
  return network.recordings
    .flatMap((recording) => toWebSocketMessages(recording)?.[side] ?? [])
    .map((message) => message.toString('latin1'))
    .filter((message) => message.startsWith(beginning));
}

describe(`a device (${engineName} engine) that is sent away`, function () {
  this.timeout(120_000);
  const sentAway: SentAway[] = [];

  afterEach(async () => {
    closeDevices();
    for (const each of sentAway.splice(0)) await each.close();
  });

  it('because the store or the server has no room stays away as long as it was told, then sends all again', async () => {
    // Both at once: each takes the 20 s for which a server holds back, and then up to 20 s.
    const [failed, overloaded] = await Promise.all(
      [storeFails, overload].map((reason) => {
        const each = new SentAway();
        sentAway.push(each);
        return each.run(reason);
      }),
    );
    assert.ok(failed && overloaded);
    for (const { toldSeconds: told, awaySeconds: seconds, error, stored, device } of [failed, overloaded]) {
      assert.ok(told >= 5 && told <= 20, error);
      // Clients come up to a quarter earlier, so that they do not all come at once.
      assert.ok(seconds > told * 0.74 && seconds < told + 10, `told ${told} s, back after ${seconds} s`);
      assert.equal(stored.length, 1);
      assert.deepEqual(device.errors, []);
    }
    // Of the session, `client-held-back`; of the connection, `sync-overload`.
    assert.match(failed.error, /^json_error 201 /);
    assert.ok(failed.server.counters!.uploads.storeFailures['store-unavailable']! > 0);
    assert.match(overloaded.error, /^json_error 101 .*no room for this connection/s);
  });
});
