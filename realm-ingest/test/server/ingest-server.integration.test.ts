import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createApiKey } from '../../src/auth/api-key.js';
import type { IngestServerOptions } from '../../src/server/ingest-options.js';
import { ListenError } from '../../src/server/listener.js';
import { openStore } from '../../src/store/open-store.js';
import { StoreError } from '../../src/store/store-error.js';
import type { CommitResult, Store } from '../../src/store/store.js';
import { eventually } from '../../../test/support/eventually.js';
import { createSelfSignedCertificate } from '../support/self-signed-certificate.js';
import { spanChangeset } from '../../../test/support/server/span-changeset.js';
import { logIn, SyncClient, upgradeStatus } from '../../../test/support/server/sync-client.js';
import { useServers } from '../support/server-fixture.js';

const appId = 'my-app';

describe('createIngestServer', () => {
  const fixture = useServers(appId);
  const create = (options?: Partial<IngestServerOptions>) => fixture.create(options);

  async function storedNames(): Promise<unknown[]> {
    const store = await openStore(fixture.storeUrl, { mode: 'read' });
    try {
      const names: unknown[] = [];
      for await (const { name } of store.documents('Span')) names.push(name);
      return names.sort();
    } finally {
      await store.close();
    }
  }

  it('takes uploads from log-in to acknowledgement, and has stored what it acknowledged', async () => {
    const server = create();
    const { url } = await server.start();
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    const { access_token } = await logIn(url, appId);
    const client = await SyncClient.open(url, appId, access_token);
    client.upload(10, spanChangeset([], { schema: true }));
    client.upload(11, spanChangeset(['a', 'b']));
    while (client.acknowledged < 11) await client.receive('download');
    assert.deepEqual(await storedNames(), ['a', 'b']);
    assert.equal(server.counters?.uploads.documents, 2);
    assert.equal(server.counters.sync.acknowledgedChangesets, 2);
    client.terminate();
  });

  it('stores objects of admitted classes, and of our own classes under their prefix', async () => {
    const server = create({ classes: ['Sensor'], classPrefix: 'Acme' });
    const { url } = await server.start();
    const client = await SyncClient.open(url, appId, (await logIn(url, appId)).access_token);
    client.upload(10, spanChangeset(['a'], { className: 'Sensor' }));
    client.upload(11, spanChangeset(['b'], { className: 'AcmeSpan' }));
    client.upload(12, spanChangeset(['c'], { className: 'Span' }));
    while (client.acknowledged < 12) await client.receive('download');
    client.terminate();
    const store = await openStore(fixture.storeUrl, { mode: 'read' });
    assert.deepEqual([...(await store.collections())].sort(), ['AcmeSpan', 'Sensor']);
    await store.close();
    assert.deepEqual(server.counters?.uploads.deadLetters, { 'class-not-admitted': 1 });
  });

  describe('sends clients', () => {
    async function location(url: string, headers: Record<string, string> = {}): Promise<unknown> {
      const response = await fetch(`${url}/api/client/v2.0/app/${appId}/location`, { headers });
      const { hostname, ws_hostname } = (await response.json()) as Record<string, string>;
      return { hostname, ws_hostname };
    }

    it('to the host that they asked', async () => {
      const { port } = await create().start();
      for (const host of [`127.0.0.1:${port}`, `localhost:${port}`]) {
        assert.deepEqual(await location(`http://${host}`), {
          hostname: `http://${host}`,
          ws_hostname: `ws://${host}`,
        });
      }
    });

    it('to the address that it listens on, if the Host header is not valid', async () => {
      const { port } = await create().start();
      const answer = await new Promise<string>((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () => {
          socket.end(
            `GET /api/client/v2.0/app/${appId}/location HTTP/1.1\r\nHost: a/b\r\nConnection: close\r\n\r\n`,
          );
        });
        let text = '';
        socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        socket.once('end', () => {
          resolve(text);
        });
        socket.once('error', reject);
      });
      assert.match(answer, new RegExp(`"hostname":"http://127\\.0\\.0\\.1:${port}"`));
    });

    it('to its public URL, if it has one', async () => {
      const { url } = await create({ publicUrl: 'https://telemetry.example.com/' }).start();
      assert.deepEqual(await location(url), {
        hostname: 'https://telemetry.example.com',
        ws_hostname: 'wss://telemetry.example.com',
      });
    });
  });

  describe('at the upgrade', () => {
    const syncPath = (id: string, token?: string): string =>
      `/api/client/v2.0/app/${id}/realm-sync${token === undefined ? '' : `?baas_at=${token}`}`;

    it('answers 401 to tokens that are missing, wrong, expired, revoked or of another kind', async () => {
      // A separate server, because it lives for less than a second.
      const brief = create({ accessTokenSeconds: 1 });
      const { access_token: briefToken } = await logIn((await brief.start()).url, appId);
      await brief.close();
      const { url } = await create().start();
      const loggedOut = await logIn(url, appId);
      const revoked = await fetch(`${url}/api/client/v2.0/auth/session`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${loggedOut.refresh_token}` },
      });
      assert.equal(revoked.status, 204);
      const { access_token, refresh_token } = await logIn(url, appId);
      const refused = [undefined, '', 'nonsense', refresh_token, loggedOut.access_token];
      assert.equal((await upgradeStatus(url, syncPath(appId, access_token))).status, 101);
      for (const token of refused) {
        const { status, type, body } = await upgradeStatus(url, syncPath(appId, token));
        assert.deepEqual({ status, type }, { status: 401, type: 'application/json' });
        assert.equal((JSON.parse(body) as { error_code: string }).error_code, 'InvalidSession');
      }
      await eventually(
        'the token to expire',
        async () => (await upgradeStatus(url, syncPath(appId, briefToken))).status,
        (status) => status === 401,
      );
    });

    it('answers 404 to another app or path, and 400 to other protocols', async () => {
      const { url } = await create().start();
      const { access_token } = await logIn(url, appId);
      assert.equal((await upgradeStatus(url, syncPath('other', access_token))).status, 404);
      assert.equal((await upgradeStatus(url, '/')).status, 404);
      const partition = ['com.mongodb.realm-sync#14'];
      assert.equal((await upgradeStatus(url, syncPath(appId, access_token), partition)).status, 400);
    });

    it('survives a peer that disconnects meanwhile', async () => {
      const { url, port } = await create().start();
      const { access_token } = await logIn(url, appId);
      await Promise.all(
        Array.from(
          { length: 20 },
          () =>
            new Promise<void>((resolve) => {
              const socket = connect(port, '127.0.0.1', () => {
                socket.write(
                  `GET ${syncPath(appId, access_token)} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
                );
                socket.resetAndDestroy();
              });
              socket.on('error', () => undefined);
              socket.once('close', () => {
                resolve();
              });
            }),
        ),
      );
      assert.equal((await fetch(`${url}/healthz`)).status, 200);
    });
  });

  it('serves TLS if it has a certificate', async () => {
    const tls = createSelfSignedCertificate();
    const { url, port } = await create({ tls }).start();
    assert.equal(url, `https://127.0.0.1:${port}`);
    const body = await new Promise<string>((resolve, reject) => {
      const path = `/api/client/v2.0/app/${appId}/location`;
      httpsRequest({ host: '127.0.0.1', port, path, ca: tls.cert, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.once('end', () => {
          resolve(text);
        });
      })
        .once('error', reject)
        .end();
    });
    assert.match(body, new RegExp(`"ws_hostname":"wss://127\\.0\\.0\\.1:${port}"`));
  });

  it('refuses an address that is in use, and closes its store', async () => {
    const { port } = await create().start();
    const other = `sqlite:${join(fixture.directory, 'other.db')}`;
    await assert.rejects(
      create({ port, store: other }).start(),
      (error) =>
        error instanceof ListenError && /cannot listen: 127.0.0.1, port \d+: .* in use/.test(error.message),
    );
    await create({ store: other }).start();
  });

  it('refuses a secret that is too short', async () => {
    await assert.rejects(
      create({ secret: 'short' }).start(),
      /the server secret cannot be used: .* has 5 bytes/,
    );
  });

  it('refuses to start twice', async () => {
    const server = create();
    await server.start();
    await assert.rejects(server.start(), /started once/);
  });

  it('knows its users after a restart', async () => {
    const first = create();
    const user = await logIn((await first.start()).url, appId);
    await first.close();
    const { url } = await create({ allowAnonymous: false }).start();
    const refresh = await fetch(`${url}/api/client/v2.0/auth/session`, {
      method: 'POST',
      headers: { authorization: `Bearer ${user.refresh_token}` },
    });
    assert.equal(refresh.status, 200);
    const { access_token } = (await refresh.json()) as { access_token: string };
    (await SyncClient.open(url, appId, access_token)).terminate();
  });

  it('leaves a given store open', async () => {
    const store = await openStore(fixture.storeUrl, { mode: 'serve' });
    const server = create({ store });
    await server.start();
    await server.close();
    await store.ping();
    await store.close();
  });

  describe('close', () => {
    it('finishes what is being stored and acknowledges it, then ends the connections', async () => {
      const store = await openStore(fixture.storeUrl, { mode: 'serve' });
      const held = holdCommits(store);
      const server = create({ store });
      const { url } = await server.start();
      const client = await SyncClient.open(url, appId, (await logIn(url, appId)).access_token);
      client.upload(11, spanChangeset(['a']));
      await held.reached;
      const closed = server.close();
      await assert.rejects(fetch(`${url}/healthz`), 'nothing new is taken');
      assert.equal(client.acknowledged, 0);
      held.release();
      await closed;
      await client.closed;
      assert.equal(client.acknowledged, 11);
      await store.close();
      assert.deepEqual(await storedNames(), ['a']);
    });

    it('does not wait for ever for a store that hangs, and acknowledges nothing', async () => {
      const store = await openStore(fixture.storeUrl, { mode: 'serve' });
      const held = holdCommits(store);
      const server = create({ store });
      const { url } = await server.start();
      const client = await SyncClient.open(url, appId, (await logIn(url, appId)).access_token);
      client.upload(11, spanChangeset(['a']));
      await held.reached;
      await server.close();
      await client.closed;
      assert.equal(client.acknowledged, 0);
      held.release();
      await store.close();
    });

    for (const protocol of ['http', 'https'] as const) {
      it(`does not wait for silent peers (${protocol})`, async () => {
        const server = create({ tls: protocol === 'https' ? createSelfSignedCertificate() : undefined });
        const { port } = await server.start();
        const silent = connect(port, '127.0.0.1');
        await once(silent, 'connect');
        const closed = once(silent.on('error', () => undefined).resume(), 'close');
        await server.close();
        await closed;
      });
    }

    it('may be called before start has resolved, without a start, and twice', async () => {
      const server = create();
      const started = server.start();
      await Promise.all([server.close(), server.close()]);
      await started;
      await assert.rejects(fetch((await started).url));
      await create().close();
    });
  });

  it('reports a store that fails for good', async () => {
    const store = await openStore(fixture.storeUrl, { mode: 'serve' });
    store.commit = () => Promise.reject(new StoreError('store-corrupt', 'page 7', { retryable: false }));
    const server = create({ store });
    const { url } = await server.start();
    const client = await SyncClient.open(url, appId, (await logIn(url, appId)).access_token);
    client.upload(11, spanChangeset(['a']));
    assert.equal((await server.broken).code, 'store-corrupt');
    assert.equal(client.acknowledged, 0);
    await server.close();
    await store.close();
  });

  it('/healthz is 503 while the store cannot take writes', async () => {
    const store = await openStore(fixture.storeUrl, { mode: 'serve' });
    store.ping = () => Promise.reject(new StoreError('store-full', 'no room', { retryable: true }));
    const server = create({ store });
    assert.equal((await fetch(`${(await server.start()).url}/healthz`)).status, 503);
    await server.close();
    await store.close();
  });

  it('/healthz is 503 while uploads fail, though the store takes small writes', async () => {
    const store = await openStore(fixture.storeUrl, { mode: 'serve' });
    const commit = store.commit.bind(store);
    let isFull = true;
    store.commit = (request) =>
      isFull ? Promise.reject(new StoreError('store-full', 'no room', { retryable: true })) : commit(request);
    const server = create({ store });
    const { url } = await server.start();
    const client = await SyncClient.open(url, appId, (await logIn(url, appId)).access_token);
    const health = async (): Promise<number> => (await fetch(`${url}/healthz`)).status;
    assert.equal(await health(), 200);
    client.upload(11, spanChangeset(['a']));
    await eventually('503', health, (status) => status === 503);
    isFull = false;
    await client.receive('download');
    assert.equal(await health(), 200);
    client.terminate();
    await server.close();
    await store.close();
  });

  it('logs no token, key, URL or uploaded data', async () => {
    const store = await openStore(fixture.storeUrl, { mode: 'serve' });
    const { key, stored } = createApiKey('kiosk-7', new Date());
    await store.apiKeys.create(stored);
    const server = create({ store });
    const { url } = await server.start();
    const named = await logIn(url, appId, { provider: 'api-key', key });
    const client = await SyncClient.open(url, appId, named.access_token);
    client.upload(11, spanChangeset(['hunter2'], { className: 'Stranger' }));
    await client.receive('download');
    client.terminate();
    await upgradeStatus(url, `/api/client/v2.0/app/${appId}/realm-sync?baas_at=${named.refresh_token}`);
    await server.close();
    await store.close();
    const written = JSON.stringify(fixture.logger.lines);
    assert.ok(fixture.logger.lines.length > 4);
    for (const secret of [key, named.access_token, named.refresh_token, 'baas_at', 'hunter2']) {
      assert.ok(!written.includes(secret), secret);
    }
  });
});

/** Makes a store's commits wait until they are released. */
function holdCommits(store: Store): { reached: Promise<void>; release: () => void } {
  const commit = store.commit.bind(store);
  let reach = (): void => undefined;
  let release = (): void => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const released = new Promise<void>((resolve) => (release = resolve));
  store.commit = async (request): Promise<CommitResult> => {
    reach();
    await released;
    return commit(request);
  };
  return { reached, release };
}
