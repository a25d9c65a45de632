import assert from 'node:assert/strict';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApiKey } from '../../src/auth/api-key.js';
import { Authenticator } from '../../src/auth/authenticator.js';
import { createClientApi } from '../../src/server/client-api.js';
import { StoreError } from '../../src/store/store-error.js';
import { MemoryApiKeys, MemoryRevocations } from '../support/memory-credentials.js';
import { RecordingLogger } from '../../../test/support/server/recording-logger.js';

interface Login {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly user_id: string;
}

/** A store that cannot be asked, as long as it says so. */
class FlakyRevocations extends MemoryRevocations {
  down = false;

  override has(subjects: readonly string[]): Promise<boolean> {
    if (this.down) {
      return Promise.reject(new StoreError('store-unavailable', 'no route to host', { retryable: true }));
    }
    return super.has(subjects);
  }
}

describe('the App Services client API over HTTP', () => {
  let server: Server;
  let base: string;
  let logger: RecordingLogger;
  let revocations: FlakyRevocations;
  let ready: () => Promise<void>;
  const apiKey = createApiKey('kiosk-7', new Date());

  before(async () => {
    logger = new RecordingLogger();
    revocations = new FlakyRevocations();
    const apiKeys = new MemoryApiKeys();
    await apiKeys.create(apiKey.stored);
    const authenticator = new Authenticator({
      appId: 'my-app',
      signingKey: new Uint8Array(32).fill(1),
      apiKeys,
      revocations,
      allowAnonymous: true,
      accessTokenSeconds: 1800,
      logger,
    });
    server = createServer(
      createClientApi({
        isClosing: () => false,
        appId: 'my-app',
        authenticator,
        originFor: () => new URL('https://telemetry.example.com'),
        checkReady: () => ready(),
        logger,
      }),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  after(() => server.close());

  beforeEach(() => {
    ready = () => Promise.resolve();
    revocations.down = false;
  });

  const api = (path: string): string => `${base}/api/client/v2.0${path}`;
  const bearer = (token: string): { headers: { authorization: string } } => ({
    headers: { authorization: `Bearer ${token}` },
  });

  async function login(provider: string, body: object): Promise<Login> {
    const response = await fetch(api(`/app/my-app/auth/providers/${provider}/login`), {
      method: 'POST',
      headers: { 'content-type': 'application/json;charset=utf-8', accept: 'application/json' },
      body: JSON.stringify({ provider, ...body, options: { device: { appId: 'my-app', sdk: 'JS' } } }),
    });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'application/json');
    return (await response.json()) as Login;
  }

  async function assertRefused(response: Response, status: number, errorCode: string): Promise<string> {
    const body = (await response.json()) as { error: string; error_code: string };
    assert.deepEqual(
      { status: response.status, type: response.headers.get('content-type'), code: body.error_code },
      { status, type: 'application/json', code: errorCode },
    );
    assert.deepEqual(Object.keys(body), ['error', 'error_code']);
    return body.error;
  }

  it('location: all four strings, http and socket', async () => {
    const response = await fetch(api('/app/my-app/location'));
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), {
      deployment_model: 'GLOBAL',
      location: 'US-VA',
      hostname: 'https://telemetry.example.com',
      ws_hostname: 'wss://telemetry.example.com',
    });
  });

  it('a whole session: log-in, profile, refresh, log-out, refused refresh', async () => {
    const user = await login('api-key', { key: apiKey.key });

    const profile = await fetch(api('/auth/profile'), bearer(user.access_token));
    assert.equal(profile.status, 200);
    assert.equal(((await profile.json()) as { user_id: string }).user_id, user.user_id);

    const refresh = await fetch(api('/auth/session'), { method: 'POST', ...bearer(user.refresh_token) });
    assert.equal(refresh.status, 200);
    const { access_token } = (await refresh.json()) as Login;
    assert.equal((await fetch(api('/auth/profile'), bearer(access_token))).status, 200);

    const logOut = await fetch(api('/auth/session'), { method: 'DELETE', ...bearer(user.refresh_token) });
    assert.deepEqual({ status: logOut.status, body: await logOut.text() }, { status: 204, body: '' });

    await assertRefused(
      await fetch(api('/auth/session'), { method: 'POST', ...bearer(user.refresh_token) }),
      401,
      'InvalidSession',
    );
  });

  it('removal of a user needs the access token, and ends the session', async () => {
    const user = await login('anon-user', {});
    const removal = await fetch(api('/auth/delete'), { method: 'DELETE', ...bearer(user.access_token) });
    assert.equal(removal.status, 204);
    await assertRefused(
      await fetch(api('/auth/session'), { method: 'POST', ...bearer(user.refresh_token) }),
      401,
      'InvalidSession',
    );
  });

  it('a missing access token is 401, but a missing refresh token is not', async () => {
    await assertRefused(await fetch(api('/auth/profile')), 401, 'InvalidSession');
    await assertRefused(await fetch(api('/auth/profile'), bearer('nonsense')), 401, 'InvalidSession');
    await assertRefused(await fetch(api('/auth/delete'), { method: 'DELETE' }), 401, 'InvalidSession');
    await assertRefused(await fetch(api('/auth/session'), { method: 'POST' }), 400, 'BadRequest');
  });

  it('refusals that somebody has to act on are logged with the reason, once a kind and minute', async () => {
    for (const [app, provider, body] of [
      ['my-app', 'api-key', { key: 'rik_of-another-store' }],
      ['my-app', 'api-key', { key: 'rik_of-another-store' }],
      ['my-app', 'local-userpass', { username: 'a', password: 'b' }],
      ['my-ap', 'anon-user', {}],
    ] as const) {
      const path = `/app/${app}/auth/providers/${provider}/login`;
      await fetch(api(path), { method: 'POST', body: JSON.stringify(body) });
    }
    // Part of every device's day, and said to the device alone.
    await fetch(api('/auth/profile'), bearer('expired'));
    const lines = logger.at('info').filter(({ message }) => message === 'a device was refused');
    assert.deepEqual(
      lines.map(({ fields }) => fields),
      [
        { reason: 'invalid API key', events: 1 },
        { reason: 'this server has no such authentication provider', events: 1 },
        { reason: "cannot find app using Client App ID 'my-ap'", events: 1 },
      ],
    );
    assert.ok(!JSON.stringify(logger.lines).includes('rik_'));
  });

  it('a failing store is 503, so that no client drops its user', async () => {
    const user = await login('anon-user', {});
    revocations.down = true;
    for (const [method, path, token] of [
      ['POST', '/auth/session', user.refresh_token],
      ['GET', '/auth/profile', user.access_token],
    ] as const) {
      const response = await fetch(api(path), { method, ...bearer(token) });
      const message = await assertRefused(response, 503, 'MaintenanceInProgress');
      assert.ok(!message.includes('no route'), 'what is wrong inside is nothing for clients');
    }
    // Once a minute, however many come.
    const lines = logger
      .at('warn')
      .filter(({ message }) => message === 'requests failed: the store cannot be used');
    assert.equal(lines.length, 1);
  });

  it('another app is 404 AppNotFound on every route under it', async () => {
    for (const [method, path] of [
      ['GET', '/app/other/location'],
      ['POST', '/app/other/auth/providers/anon-user/login'],
      ['POST', '/app/other/functions/call'],
      ['GET', '/app/other/realm-sync'],
      ['GET', '/app/other/nowhere'],
    ] as const) {
      const message = await assertRefused(await fetch(api(path), { method }), 404, 'AppNotFound');
      assert.equal(message, "cannot find app using Client App ID 'other'");
    }
  });

  it('routes of App Services that Data Ingest does not need are 404', async () => {
    for (const [method, path, code] of [
      ['POST', '/app/my-app/functions/call', 'FunctionNotFound'],
      ['POST', '/app/my-app/auth/providers/local-userpass/register', 'NotFound'],
      ['GET', '/auth/api_keys', 'NotFound'],
      ['GET', '', 'NotFound'],
    ] as const) {
      await assertRefused(await fetch(api(path), { method }), 404, code);
    }
    await assertRefused(await fetch(base), 404, 'NotFound');
  });

  it('another method on a known route is 405, with the allowed methods', async () => {
    const response = await fetch(api('/auth/session'), { method: 'PUT' });
    assert.equal(response.headers.get('allow'), 'POST, DELETE');
    await assertRefused(response, 405, 'BadRequest');
  });

  it('an invalid path is 400', async () => {
    await assertRefused(await fetch(api('/app/%E0%A4%A/location')), 400, 'BadRequest');
  });

  it('linking is refused, not mistaken for a log-in', async () => {
    const response = await fetch(api('/app/my-app/auth/providers/anon-user/login?link=true'), {
      method: 'POST',
      body: '{}',
    });
    await assertRefused(response, 400, 'BadRequest');
  });

  for (const body of ['', '{', 'key=1', '{"key":}', '\u0000']) {
    it(`a log-in with the body ${JSON.stringify(body)} is 400`, async () => {
      const url = api('/app/my-app/auth/providers/anon-user/login');
      const response = await fetch(url, { method: 'POST', body });
      assert.equal(await assertRefused(response, 400, 'BadRequest'), 'the body is not JSON');
    });
  }

  it('a body above 64 KiB is 413 before all of it has arrived, with and without a Content-Length', async () => {
    const url = api('/app/my-app/auth/providers/api-key/login');
    const text = JSON.stringify({ key: 'x'.repeat(64 * 1024) });
    await assertRefused(await fetch(url, { method: 'POST', body: text }), 413, 'BadRequest');

    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest(url, { method: 'POST' }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.on('error', reject);
      // Never ended: whoever waits for the end waits for ever.
      request.write(text);
    });
    assert.equal(status, 413);
  });

  it('browsers may call from any origin', async () => {
    const preflight = await fetch(api('/app/my-app/auth/providers/anon-user/login'), {
      method: 'OPTIONS',
      headers: {
        origin: 'https://shop.example.com',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
    });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get('access-control-allow-origin'), '*');
    assert.match(preflight.headers.get('access-control-allow-headers')!, /authorization/);
    assert.match(preflight.headers.get('access-control-allow-headers')!, /content-type/);
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
      assert.ok(preflight.headers.get('access-control-allow-methods')!.includes(method));
    }
    const location = await fetch(api('/app/my-app/location'), {
      headers: { origin: 'https://x.example' },
    });
    assert.equal(location.headers.get('access-control-allow-origin'), '*');
  });

  it('answers must not be cached: they contain tokens', async () => {
    assert.equal((await fetch(api('/app/my-app/location'))).headers.get('cache-control'), 'no-store');
  });

  describe('/healthz', () => {
    it('is 200 while uploads can be taken', async () => {
      const response = await fetch(`${base}/healthz`);
      assert.deepEqual(
        { status: response.status, body: await response.json() },
        { status: 200, body: { status: 'ok' } },
      );
      assert.equal((await fetch(`${base}/healthz`, { method: 'HEAD' })).status, 200);
    });

    it('is 503 while they cannot, without the reason', async () => {
      ready = () => Promise.reject(new Error('/var/lib/telemetry.db: disk full'));
      const response = await fetch(`${base}/healthz`);
      assert.deepEqual(
        { status: response.status, body: await response.json() },
        { status: 503, body: { status: 'unavailable' } },
      );
    });
  });

  it('logs no URL, token, key or body of all this', async () => {
    const anonymous = await login('anon-user', {});
    const named = await login('api-key', { key: apiKey.key });
    const query = await fetch(api(`/app/my-app/location?baas_at=${named.access_token}`));
    assert.equal(query.status, 200);
    await fetch(api(`/app/my-app/${named.access_token}`));
    await fetch(api('/app/my-app/auth/providers/api-key/login'), {
      method: 'POST',
      body: '{"key":"hunter2"',
    });
    assert.ok(logger.lines.length > 20);
    const written = JSON.stringify(logger.lines);
    const secrets = [apiKey.key, 'hunter2', 'baas_at'];
    for (const user of [anonymous, named]) secrets.push(user.access_token, user.refresh_token);
    for (const secret of secrets) assert.ok(!written.includes(secret), secret);
  });
});
