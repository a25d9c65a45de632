import assert from 'node:assert/strict';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import sinon from 'sinon';
import { connect, RealmSpanExporter } from '../../src/index.js';
import { openStore } from '../../realm-ingest/src/store/open-store.js';
import Realm, { endSessions, engineName } from '../support/engine/realm.mjs';
import { startIngestProcess, type IngestProcess } from '../support/ingest-process.js';
import { Network } from '../support/network.js';
import { createScratch, type Scratch } from '../support/scratch.js';
import { storedDeadLetters } from '../support/stored.js';
import { expiryOf } from '../support/token-expiry.js';

const appId = 'clocks';
const secondMillis = 1000;

/** The clocks of devices; the server has the right one. */
const wrongClocks = [
  ['stands at the beginning of 1970, as without a battery', '1970-01-02T00:00:00Z'],
  ['stands before 2015, where the protocol begins to count', '2014-12-31T23:59:00Z'],
  ['is a day behind', offsetBy(-86_400)],
  ['is a day ahead, so that every access token seems to have expired', offsetBy(86_400)],
  ['is beyond 31 bits of seconds', '2038-01-19T03:14:30Z'],
  ['is beyond the expiry that refresh tokens name', '2100-06-01T00:00:00Z'],
] as const;

describe(`a device (${engineName} engine) whose clock is wrong`, function () {
  this.timeout(120_000);
  let scratch: Scratch;
  let network: Network;
  let server: IngestProcess;
  const apps: App[] = [];

  before(async () => {
    scratch = await createScratch();
    server = await startIngestProcess({
      appId,
      store: scratch.store,
      options: ['--access-token-seconds', '1'],
    });
  });

  after(async () => {
    await server.stop();
    await scratch.remove();
  });

  beforeEach(async () => {
    network = await Network.create();
    network.connectTo(server.url);
  });

  afterEach(async () => {
    sinon.restore();
    await Promise.all(apps.splice(0).map((app) => app.shutDown()));
    endSessions();
    await network.close();
  });

  for (const [what, time] of wrongClocks) {
    it(`delivers with its own times if it ${what}`, async () => {
      setClock(time);
      const app = startApp();
      app.record('fresh token');
      await app.delivered();
      await expiryOf(await app.accessToken()); // by the server's clock, whatever the device makes of it
      network.drop();
      app.record('token expired');
      await app.delivered();
      for (const name of ['fresh token', 'token expired']) {
        const { startTime, receivedAt } = await storedTimes(app, name);
        assertNear(startTime, new Date(time).getTime());
        assertNear(receivedAt, app.startedAt);
      }
      assert.deepEqual(app.connection.status.dropped, {});
      assert.deepEqual(await storedDeadLetters(scratch.store), []);
    });
  }

  it('delivers through a clock that is set while it runs, forwards and back', async () => {
    const times = ['1970-01-02T00:00:00Z', offsetBy(0), '2100-06-01T00:00:00Z', '1999-12-31T23:59:59Z'];
    const app = startApp();
    for (const time of times) {
      setClock(time);
      app.record(time);
      await app.delivered();
      network.drop();
    }
    for (const time of times) {
      const { startTime, receivedAt } = await storedTimes(app, time);
      assertNear(startTime, new Date(time).getTime());
      assertNear(receivedAt, app.startedAt);
    }
    assert.deepEqual(app.connection.status.dropped, {});
    assert.deepEqual(await storedDeadLetters(scratch.store), []);
  });

  function startApp(): App {
    const app = new App(network.url, `${scratch.path}/${apps.length}`);
    apps.push(app);
    return app;
  }

  async function storedTimes(app: App, name: string): Promise<{ startTime: number; receivedAt: number }> {
    const store = await openStore(scratch.store, { mode: 'read' });
    try {
      for await (const document of store.documents('Span')) {
        const { traceId, startTime, ingest } = document as unknown as StoredSpan;
        if (document.name !== name || !app.traceIds.has(traceId)) continue;
        return { startTime: startTime.getTime(), receivedAt: ingest.receivedAt.getTime() };
      }
      throw new Error(`no span ${name} of this device is stored`);
    } finally {
      await store.close();
    }
  }
});

interface StoredSpan {
  readonly traceId: string;
  readonly startTime: Date;
  readonly ingest: { readonly receivedAt: Date };
}

/** An app whose device has the clock that is set now. */
class App {
  readonly connection;
  readonly traceIds = new Set<string>();
  /** By the right clock. */
  readonly startedAt = rightTime();
  readonly #provider: BasicTracerProvider;

  constructor(baseUrl: string, directory: string) {
    this.connection = connect({
      Realm,
      appId,
      baseUrl,
      directory,
      credentials: Realm.Credentials.anonymous(false),
    });
    const traceExporter = new RealmSpanExporter({ connection: this.connection });
    this.#provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(traceExporter)] });
  }

  record(name: string): void {
    const span = this.#provider.getTracer('clocks').startSpan(name);
    this.traceIds.add(span.spanContext().traceId);
    span.end();
  }

  async delivered(): Promise<void> {
    await this.#provider.forceFlush();
    assert.ok(await this.connection.flush(30_000), JSON.stringify(this.connection.status));
  }

  async accessToken(): Promise<string | null> {
    const realm = await this.connection.realm;
    return realm.syncSession?.config.user.accessToken ?? null;
  }

  async shutDown(): Promise<void> {
    await this.#provider.shutdown();
  }
}

/** The real clock in milliseconds since 1970, captured before tests install another clock. */
const rightTime = Date.now.bind(Date);

/** Gives the process another clock, which goes on from `time`. Timers are left alone. */
function setClock(time: string): void {
  sinon.restore();
  sinon.useFakeTimers({ toFake: ['Date'], now: new Date(time), shouldAdvanceTime: true });
}

function offsetBy(seconds: number): string {
  return new Date(Date.now() + seconds * secondMillis).toISOString();
}

/** Within the time that a test may take. */
function assertNear(actual: number, expected: number): void {
  assert.ok(actual >= expected && actual < expected + 60 * secondMillis, new Date(actual).toISOString());
}
