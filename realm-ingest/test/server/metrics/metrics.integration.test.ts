import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { InvalidOptionError } from '../../../../src/wire/telemetry-error.js';
import { createIngestServer, type IngestServer } from '../../../src/server/ingest-server.js';
import { ListenError } from '../../../src/server/listener.js';
import { openStore } from '../../../src/store/open-store.js';
import { StoreError } from '../../../src/store/store-error.js';
import { deadLetterReasons, type Store } from '../../../src/store/store.js';
import { eventually } from '../../../../test/support/eventually.js';
import { RecordingLogger } from '../../../../test/support/server/recording-logger.js';
import { spanChangeset } from '../../../../test/support/server/span-changeset.js';
import { logIn, SyncClient } from '../../../../test/support/server/sync-client.js';
import {
  lint,
  parseExposition,
  valueOf,
  type MetricFamily,
} from '../../../../test/support/server/exposition.js';

const appId = 'my-app';

describe('metrics', () => {
  let directory: string;
  let store: Store;
  let commit: Store['commit'];
  let server: IngestServer;
  let url: string;
  let metricsUrl: string;
  const clients: SyncClient[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'realm-ingest-metrics-'));
    store = await openStore(`sqlite:${join(directory, 'store.db')}`, { mode: 'serve' });
    commit = store.commit.bind(store);
    server = createServer();
    const started = await server.start();
    url = started.url;
    metricsUrl = started.metricsUrl ?? '';
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.terminate();
    await server.close();
    await store.close();
    await rm(directory, { recursive: true });
  });

  function createServer(options: { metricsPort?: number; port?: number } = { metricsPort: 0 }): IngestServer {
    return createIngestServer({
      ...{ appId, store, port: 0, allowAnonymous: true, maxInflightBytes: 100_000 },
      ...options,
      logger: new RecordingLogger(),
    });
  }

  async function scrape(): Promise<Map<string, MetricFamily>> {
    const response = await fetch(metricsUrl);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    return parseExposition(await response.text());
  }

  async function figure(sample: string): Promise<number> {
    return valueOf(await scrape(), `realm_ingest_${sample}`);
  }

  async function open(): Promise<SyncClient> {
    const client = await SyncClient.open(url, appId, (await logIn(url, appId)).access_token);
    clients.push(client);
    return client;
  }

  async function upload(client: SyncClient, version: number, changeset: Uint8Array): Promise<void> {
    client.upload(version, changeset);
    await eventually('the acknowledgement', () => client.acknowledged >= version);
  }

  it('are zero at first, every reason and code that can occur among them', async () => {
    const families = await scrape();
    for (const reason of deadLetterReasons) {
      assert.equal(valueOf(families, `realm_ingest_dead_letters_total{reason="${reason}"}`), 0);
    }
    for (const sample of [
      'connections',
      'sessions',
      'held_back_clients',
      'inflight_bytes',
      'uploads_total',
      'documents_total{outcome="stored"}',
      'hold_backs_total{reason="budget"}',
      'errors_sent_total{code="201"}',
      'store_failures_total{code="store-full"}',
      'commit_duration_seconds_count',
      'files_ahead_total',
    ]) {
      assert.equal(valueOf(families, `realm_ingest_${sample}`), 0, sample);
    }
    assert.equal(valueOf(families, 'realm_ingest_inflight_max_bytes'), 100_000);
  });

  it('have names and helps as Prometheus wants them, those of the process besides', async () => {
    const families = await scrape();
    const ours = new Map([...families].filter(([name]) => name.startsWith('realm_ingest_')));
    assert.ok(ours.size >= 20, `${ours.size} metrics`);
    assert.deepEqual(lint(ours), []);
    assert.ok(valueOf(families, 'process_resident_memory_bytes') > 10e6);
    assert.ok(families.has('nodejs_eventloop_lag_p99_seconds'));
  });

  it('are those that docs/operations.md names', async () => {
    const families = await scrape();
    const page = await readFile(new URL('../../../../docs/operations.md', import.meta.url), 'utf8');
    const names = [...page.matchAll(/\brealm_ingest_\w+/g)].map(([name]) =>
      name.replace(/_(bucket|count|sum)$/, ''),
    );
    assert.ok(names.length > 20, `${names.length} names`);
    assert.deepEqual(
      names.filter((name) => !families.has(name)),
      [],
    );
    const labels = [...page.matchAll(/^realm_ingest_\w+\{\w+="[a-z0-9-]+"\}/gm)].map(([sample]) => sample);
    for (const sample of labels) valueOf(families, sample);
  });

  it('are what was sent, stored and set aside', async () => {
    const [a, b] = [await open(), await open()];
    const spans = spanChangeset(['a', 'b', 'c']);
    await upload(a, 11, spans);
    await upload(b, 11, spans);
    const strangers = spanChangeset(['d', 'e'], { className: 'Stranger' });
    await upload(a, 12, strangers);
    const body = Buffer.concat([Buffer.from(`13 1 0 0 ${spans.length} `), spans]);
    const wire = deflateSync(body);
    a.send(`upload 1 1 ${body.length} ${wire.length} 13 1 1\n`, wire);
    await eventually('the acknowledgement', () => a.acknowledged >= 13);

    const families = await scrape();
    const sizeOf = (changeset: Uint8Array): number =>
      `11 1 0 0 ${changeset.length} `.length + changeset.length;
    const plain = 2 * sizeOf(spans) + sizeOf(strangers);
    const expected = {
      connections: 2,
      sessions: 2,
      held_back_clients: 0,
      inflight_bytes: 0,
      uploads_total: 4,
      upload_wire_bytes_total: plain + wire.length,
      upload_bytes_total: plain + body.length,
      changesets_total: 4,
      acknowledged_changesets_total: 4,
      'documents_total{outcome="stored"}': 3,
      'documents_total{outcome="duplicate"}': 6,
      'dead_letters_total{reason="class-not-admitted"}': 2,
      'dead_letters_total{reason="bad-changeset"}': 0,
      commit_duration_seconds_count: 4,
      'logins_total{outcome="accepted"}': 2,
      'logins_total{outcome="refused"}': 0,
    };
    assert.deepEqual(
      Object.fromEntries(
        Object.keys(expected).map((sample) => [sample, valueOf(families, `realm_ingest_${sample}`)]),
      ),
      expected,
    );
    const seconds = valueOf(families, 'realm_ingest_commit_duration_seconds_sum');
    assert.ok(seconds > 0 && seconds < 60, `${seconds} s`);

    a.terminate();
    await eventually(
      'one connection',
      () => figure('connections'),
      (count) => count === 1,
    );
  });

  it('never hold what clients made up', async () => {
    const client = await open();
    await upload(client, 11, spanChangeset(['hunter2'], { className: 'Hunter3' }));
    client.send('hunter4 1\n');
    await client.closed;
    const text = await (await fetch(metricsUrl)).text();
    assert.doesNotMatch(text, /hunter/i);
    assert.doesNotMatch(text, /my-app|anon-/);
  });

  it('are what was refused, by code', async () => {
    const client = await open();
    client.send('nonsense 1\n');
    await client.closed;
    assert.equal(await figure('errors_sent_total{code="102"}'), 1);
    const refused = await fetch(`${url}/api/client/v2.0/app/${appId}/auth/providers/api-key/login`, {
      method: 'POST',
      body: '{"key":"none"}',
    });
    assert.equal(refused.status, 401);
    assert.equal(await figure('logins_total{outcome="refused"}'), 1);
  });

  it('show who is held back while the store fails, and for what', async () => {
    const client = await open();
    store.commit = () => Promise.reject(new StoreError('store-full', 'no room', { retryable: true }));
    client.upload(11, spanChangeset(['a']));
    await eventually(
      'one held back',
      () => figure('held_back_clients'),
      (count) => count === 1,
    );
    const families = await scrape();
    assert.equal(valueOf(families, 'realm_ingest_hold_backs_total{reason="store"}'), 1);
    assert.ok(valueOf(families, 'realm_ingest_store_failures_total{code="store-full"}') >= 1);
    assert.ok(valueOf(families, 'realm_ingest_inflight_bytes') > 0);
    store.commit = commit;
    await eventually('the acknowledgement', () => client.acknowledged >= 11);
    assert.equal(await figure('held_back_clients'), 0);
    assert.equal(await figure('inflight_bytes'), 0);
  });

  it('show who is held back because more arrives than is committed', async () => {
    const [a, b] = [await open(), await open()];
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    let begun = 0;
    store.commit = async (request) => {
      begun += 1;
      await held;
      return commit(request);
    };
    a.upload(11, Buffer.alloc(120_000));
    await eventually('a commit', () => begun === 1);
    b.upload(11, Buffer.alloc(50_000));
    await eventually('the budget used up', () => figure('hold_backs_total{reason="budget"}'));
    assert.ok((await figure('held_back_clients')) >= 1);
    goOn();
    await eventually(
      'both commits',
      () => figure('acknowledged_changesets_total'),
      (count) => count === 2,
    );
  });

  it('tell of files that the store does not know, or is behind of', async () => {
    const client = await open();
    client.send('bind 2 0 0 0 0\n');
    // Session, file, salt, scan server and client version, latest server version and its salt, query version, size.
    client.send('ident 2 4611686018427387000 77 1 5 1 999 0 2\n{}');
    await eventually(
      'the adoption',
      () => figure('adopted_files_total'),
      (count) => count === 1,
    );
    assert.equal(await figure('unverified_files_total'), 1);
    assert.equal(await figure('files_ahead_total'), 1);
  });

  it('are the library’s, too, without those of the process', async () => {
    await upload(await open(), 11, spanChangeset(['a']));
    const families = parseExposition(await server.metrics());
    assert.equal(valueOf(families, 'realm_ingest_documents_total{outcome="stored"}'), 1);
    assert.ok([...families.keys()].every((name) => name.startsWith('realm_ingest_')));
    const other = createIngestServer({ appId, store, logger: new RecordingLogger() });
    assert.equal(await other.metrics(), '', 'nothing before it has started');
  });

  describe('on their port', () => {
    it('are on loopback by default, and on the clients’ port never', async () => {
      assert.match(metricsUrl, /^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
      assert.equal((await fetch(`${url}/metrics`)).status, 404);
    });

    it('are nowhere by default', async () => {
      const other = createServer({});
      assert.equal((await other.start()).metricsUrl, undefined);
      await other.close();
    });

    it('take GET and HEAD for /metrics, and nothing else', async () => {
      assert.equal((await fetch(`${metricsUrl}?a=b`)).status, 200);
      assert.equal((await fetch(metricsUrl, { method: 'HEAD' })).status, 200);
      assert.equal((await fetch(metricsUrl, { method: 'POST' })).status, 405);
      assert.equal((await fetch(metricsUrl.replace('/metrics', '/'))).status, 404);
    });

    it('are there until the server is closed, and let a peer that says nothing hold nobody up', async () => {
      const silent = createConnection(Number(new URL(metricsUrl).port), '127.0.0.1');
      await new Promise((resolve) => silent.once('connect', resolve));
      silent.on('error', () => undefined);
      await server.close();
      await assert.rejects(fetch(metricsUrl));
      silent.destroy();
    });

    it('refuse a port that is taken, and leave nothing open', async () => {
      const port = Number(new URL(metricsUrl).port);
      await assert.rejects(createServer({ metricsPort: port }).start(), ListenError);
      const clash = createServer({ metricsPort: 0, port: Number(new URL(url).port) });
      await assert.rejects(clash.start(), ListenError);
      for (const metricsPort of [-1, 65_536, 1.5]) {
        assert.throws(() => createServer({ metricsPort }), InvalidOptionError);
      }
    });
  });
});
