import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import type { IngestServerOptions } from '../../src/server/ingest-options.js';
import { createIngestServer, type IngestServer } from '../../src/server/ingest-server.js';
import { openStore } from '../../src/store/open-store.js';
import type { Store } from '../../src/store/store.js';
import { eventually } from '../../../test/support/eventually.js';
import * as client from '../support/client-message.js';
import { RecordingLogger } from '../../../test/support/server/recording-logger.js';
import { parseExposition, valueOf } from '../../../test/support/server/exposition.js';
import { createSelfSignedCertificate } from '../support/self-signed-certificate.js';
import { logIn } from '../../../test/support/server/sync-client.js';
import { frame, opcodes, upgradeRequest } from '../support/client-frames.js';
import { RawSyncClient } from '../support/raw-sync-client.js';

const appId = 'my-app';

/** Far below the 150 s of silence after which any sync connection ends. */
const atOnceMillis = 3000;

/** Peers that end their side of TCP and keep the other open, as node:http's sockets allow. */
describe('a peer that has ended its side', () => {
  let directory: string;
  let store: Store;
  let server: IngestServer;
  const peers: RawSyncClient[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'realm-ingest-half-closed-'));
    store = await openStore(`sqlite:${join(directory, 'store.db')}`, { mode: 'serve' });
  });

  afterEach(async () => {
    for (const peer of peers.splice(0)) peer.destroy();
    await server.close();
    await store.close();
    await rm(directory, { recursive: true });
  });

  async function start(
    options: Partial<IngestServerOptions> = {},
  ): Promise<{ url: string; port: number; metricsPort: number }> {
    server = createIngestServer({
      ...{ appId, store, port: 0, metricsPort: 0, allowAnonymous: true, logger: new RecordingLogger() },
      ...options,
    });
    const { url, port, metricsUrl = '' } = await server.start();
    return { url, port, metricsPort: Number(new URL(metricsUrl).port) };
  }

  function connect(port: number): RawSyncClient {
    const peer = new RawSyncClient(port);
    peers.push(peer);
    return peer;
  }

  function syncRequest(accessToken: string): Buffer {
    const path = `/api/client/v2.0/app/${appId}/realm-sync?baas_at=${accessToken}`;
    return Buffer.from(upgradeRequest('com.mongodb.realm-query-sync#14', path));
  }

  /** Makes look-ups of revoked users wait. */
  function holdLookUps(): { asked: Promise<void>; release: () => void } {
    const has = store.revocations.has.bind(store.revocations);
    let ask = (): void => undefined;
    let release = (): void => undefined;
    const asked = new Promise<void>((resolve) => (ask = resolve));
    const released = new Promise<void>((resolve) => (release = resolve));
    store.revocations.has = async (subjects) => {
      ask();
      await released;
      return has(subjects);
    };
    return { asked, release };
  }

  async function holdsNothing(): Promise<void> {
    const metrics = parseExposition(await server.metrics());
    const held = ['connections', 'sessions', 'held_back_clients', 'inflight_bytes'].map((name) =>
      valueOf(metrics, `realm_ingest_${name}`),
    );
    assert.deepEqual(held, [0, 0, 0, 0]);
  }

  const close = frame(Buffer.from([0x03, 0xe8]), { opcode: opcodes.close });
  for (const [what, behind] of [
    ['its upgrade request', Buffer.alloc(0)],
    ['its upgrade request and a CLOSE', close],
    ['its upgrade request and a message', frame(client.bind())],
  ] as const) {
    it(`in the packet of ${what} gets no sync connection, and is released at once`, async () => {
      const { url, port } = await start();
      const { access_token } = await logIn(url, appId);
      const peer = connect(port);
      peer.socket.end(Buffer.concat([syncRequest(access_token), behind]));
      await eventually('the end', () => peer.closed, Boolean, atOnceMillis);
      assert.equal(peer.head, undefined, 'it is not answered');
      await holdsNothing();
    });
  }

  it('in the packet of its upgrade request over TLS gets no sync connection, and is released at once', async () => {
    const { access_token } = await logIn((await start()).url, appId);
    await server.close();
    const tls = createSelfSignedCertificate();
    const { port } = await start({ tls });
    const socket = connectTls({ host: '127.0.0.1', port, ca: tls.cert });
    let received = '';
    let closed = false;
    socket.setEncoding('latin1').on('data', (text: string) => (received += text));
    socket.on('error', () => undefined).once('close', () => (closed = true));
    socket.end(syncRequest(access_token));
    await eventually('the end', () => closed, Boolean, atOnceMillis);
    assert.equal(received, '');
    await holdsNothing();
  });

  it('while its token is looked up is released before the store has answered', async () => {
    const { url, port } = await start();
    const { access_token } = await logIn(url, appId);
    const lookUp = holdLookUps();
    const peer = connect(port);
    peer.write(syncRequest(access_token));
    await lookUp.asked;
    peer.socket.end();
    await eventually('the end', () => peer.closed, Boolean, atOnceMillis);
    lookUp.release();
    await store.ping();
    assert.equal(peer.head, undefined, 'it is not answered');
    await holdsNothing();
  });

  it('after messages that arrived during the look-up of its token is released once they are read', async () => {
    const { url, port } = await start();
    const { access_token } = await logIn(url, appId);
    const lookUp = holdLookUps();
    const peer = connect(port);
    peer.write(syncRequest(access_token));
    await lookUp.asked;
    peer.socket.end(Buffer.concat([frame(client.ping(1)), frame(client.bind())]));
    await new Promise((resolve) => setTimeout(resolve, 50));
    lookUp.release();
    await eventually('the end', () => peer.closed, Boolean, atOnceMillis);
    await holdsNothing();
  });

  const ways: [what: string, bytes: string][] = [
    ['before any request', ''],
    ['within its headers', 'GET /hea'],
    ['within a body', 'POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{'],
    ['behind a request', 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'],
    [
      'behind an upgrade to something else',
      'GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
    ],
  ];
  for (const listener of ['the clients’ port', 'the metrics port']) {
    for (const [what, bytes] of ways) {
      it(`${what} on ${listener} is released at once`, async () => {
        const { port, metricsPort } = await start();
        const peer = connect(listener === 'the metrics port' ? metricsPort : port);
        peer.socket.end(bytes);
        await eventually('the end', () => peer.closed, Boolean, atOnceMillis);
      });
    }
  }

  it('while its request waits for the store is released before the store answers', async () => {
    const { port } = await start();
    let asked = false;
    store.ping = () => {
      asked = true;
      return new Promise(() => undefined);
    };
    const peer = connect(port);
    peer.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually('the ping', () => asked);
    peer.socket.end();
    await eventually('the end', () => peer.closed, Boolean, atOnceMillis);
  });
});
