import assert from 'node:assert/strict';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { createApiKey } from '../../src/auth/api-key.js';
import { AuthError } from '../../src/auth/auth-error.js';
import { Authenticator, type AuthenticatorOptions } from '../../src/auth/authenticator.js';
import { toNamedUserId } from '../../src/auth/user-id.js';
import { RecordingLogger } from '../../../test/support/server/recording-logger.js';
import { MemoryApiKeys, MemoryRevocations } from '../support/memory-credentials.js';

const appId = 'my-app';
const signingKey = new Uint8Array(32).fill(7);
const otherKey = new Uint8Array(32).fill(8);

function refused(status: number, errorCode: string): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof AuthError, String(error));
    assert.deepEqual(
      { status: error.status, errorCode: error.errorCode, code: error.code },
      { status, errorCode, code: 'auth-refused' },
    );
    return true;
  };
}

describe('Authenticator', () => {
  let now = Date.parse('2026-01-01T00:00:00Z');
  let apiKeys: MemoryApiKeys;
  let revocations: MemoryRevocations;
  let logger: RecordingLogger;

  beforeEach(() => {
    now = Date.parse('2026-01-01T00:00:00Z');
    apiKeys = new MemoryApiKeys();
    revocations = new MemoryRevocations();
    logger = new RecordingLogger();
  });

  function create(overrides: Partial<AuthenticatorOptions> = {}): Authenticator {
    return new Authenticator({
      appId,
      signingKey,
      apiKeys,
      revocations,
      allowAnonymous: true,
      accessTokenSeconds: 1800,
      logger,
      now: () => now,
      ...overrides,
    });
  }

  async function keyOf(userName: string): Promise<{ key: string; id: string }> {
    const { key, stored } = createApiKey(userName, new Date(now));
    await apiKeys.create(stored);
    return { key, id: stored.id };
  }

  describe('log-in', () => {
    it('of an anonymous user gives a new anon- user each time, and the four keys that clients require', async () => {
      const auth = create();
      const first = await auth.login('anon-user', { provider: 'anon-user' });
      const second = await auth.login('anon-user', { provider: 'anon-user' });
      assert.match(first.user_id, /^anon-[0-9a-f]{24}$/);
      assert.notEqual(first.user_id, second.user_id);
      assert.deepEqual(Object.keys(first).sort(), ['access_token', 'device_id', 'refresh_token', 'user_id']);
      assert.equal(first.device_id, '000000000000000000000000');
    });

    it('gives tokens that clients accept: exp, iat, a signature, no user_data', async () => {
      const { access_token, refresh_token, user_id } = await create().login('anon-user', {});
      const seconds = now / 1000;
      const { sid, ...access } = decodeJwt(access_token);
      assert.deepEqual(access, {
        typ: 'access',
        provider: 'anon-user',
        sub: user_id,
        aud: appId,
        iat: seconds,
        exp: seconds + 1800,
      });
      assert.deepEqual(decodeJwt(refresh_token), { ...access, sid, typ: 'refresh', exp: 4102444800 });
      assert.deepEqual(decodeProtectedHeader(access_token), { alg: 'HS256', typ: 'JWT', kid: '1' });
      assert.match(access_token, /^[^.]+\.[^.]+\.[\w-]{43}$/);
    });

    it('of an anonymous user needs allowAnonymous', async () => {
      const auth = create({ allowAnonymous: false });
      await assert.rejects(auth.login('anon-user', {}), refused(404, 'AuthProviderNotFound'));
      assert.equal(auth.counters.refusedLogins, 1);
    });

    it('by API key gives the user of that name, the same each time', async () => {
      const auth = create({ allowAnonymous: false });
      const { key } = await keyOf('kiosk-7');
      const first = await auth.login('api-key', { provider: 'api-key', key });
      const second = await auth.login('api-key', { provider: 'api-key', key });
      assert.equal(first.user_id, toNamedUserId(appId, 'kiosk-7'));
      assert.equal(second.user_id, first.user_id);
    });

    it('by an unknown, revoked or malformed key is refused alike', async () => {
      const auth = create();
      const revoked = await keyOf('a');
      await apiKeys.revoke(revoked.id, new Date(now));
      const unknown = createApiKey('b', new Date(now)).key;
      for (const key of [revoked.key, unknown, '', 'x', `${revoked.key}x`]) {
        await assert.rejects(auth.login('api-key', { key }), (error) => {
          refused(401, 'AuthError')(error);
          assert.equal((error as AuthError).reason, 'invalid API key');
          return true;
        });
      }
    });

    it('by API key says what is wrong with its body', async () => {
      const auth = create();
      for (const body of [undefined, null, [], 'key', 1]) {
        await assert.rejects(auth.login('api-key', body), refused(400, 'BadRequest'));
      }
      await assert.rejects(auth.login('api-key', {}), refused(400, 'MissingParameter'));
      await assert.rejects(auth.login('api-key', { key: 1 }), refused(400, 'InvalidParameter'));
    });

    it('with a custom JWT says that it is not enabled', async () => {
      await assert.rejects(create().login('custom-token', { token: 'x' }), (error) => {
        refused(404, 'AuthProviderNotFound')(error);
        assert.match((error as AuthError).reason, /custom JWT is not enabled/);
        return true;
      });
    });

    for (const provider of ['local-userpass', 'custom-function', 'oauth2-google', '__proto__', '']) {
      it(`by ${JSON.stringify(provider)} is refused`, async () => {
        await assert.rejects(create().login(provider, {}), refused(404, 'AuthProviderNotFound'));
      });
    }
  });

  describe('access tokens', () => {
    it('are accepted until they expire, to the second', async () => {
      const auth = create({ accessTokenSeconds: 60 });
      const { access_token, user_id } = await auth.login('anon-user', {});
      now += 59_000;
      assert.equal((await auth.authenticate(access_token)).userId, user_id);
      now += 1000;
      await assert.rejects(auth.authenticate(access_token), refused(401, 'InvalidSession'));
    });

    it('are refused if they are refresh tokens, of another app, signed by others, changed or not tokens', async () => {
      const auth = create();
      const { access_token, refresh_token } = await auth.login('anon-user', {});
      const [header, , signature] = access_token.split('.');
      const claims = Buffer.from(
        JSON.stringify({ ...decodeJwt(access_token), sub: 'anon-000000000000000000000000' }),
      ).toString('base64url');
      const none = Buffer.from('{"alg":"none"}').toString('base64url');
      for (const token of [
        refresh_token,
        (await create({ appId: 'other-app' }).login('anon-user', {})).access_token,
        (await create({ signingKey: otherKey }).login('anon-user', {})).access_token,
        [header, claims, signature].join('.'),
        [none, claims, ''].join('.'),
        `${access_token}A`,
        '',
        'a.b.c',
        '..',
      ]) {
        await assert.rejects(auth.authenticate(token), refused(401, 'InvalidSession'), token);
      }
    });
  });

  it('profile: the shape that clients require', async () => {
    const auth = create();
    const { access_token, user_id } = await auth.login('api-key', { key: (await keyOf('kiosk-7')).key });
    assert.deepEqual(await auth.profile(access_token), {
      user_id,
      domain_id: '000000000000000000000000',
      identities: [{ id: user_id, provider_type: 'api-key', provider_id: '000000000000000000000000' }],
      data: { name: 'kiosk-7' },
      type: 'normal',
    });
  });

  describe('refresh', () => {
    it('gives a fresh access token for the same user, years later too', async () => {
      const auth = create();
      const { refresh_token, user_id } = await auth.login('anon-user', {});
      now = Date.parse('2120-01-01T00:00:00Z');
      const { access_token } = await auth.refresh(refresh_token);
      assert.equal((await auth.authenticate(access_token)).userId, user_id);
    });

    it('works after a restart with the same secret', async () => {
      const { refresh_token, user_id } = await create().login('anon-user', {});
      const later = create({ allowAnonymous: false });
      const { access_token } = await later.refresh(refresh_token);
      assert.equal((await later.authenticate(access_token)).userId, user_id);
      assert.equal(later.counters.unverifiedRefreshes, 0);
    });

    it('is 401 after a log-out; other log-ins of the user continue', async () => {
      const auth = create();
      const { key } = await keyOf('kiosk-7');
      const first = await auth.login('api-key', { key });
      const second = await auth.login('api-key', { key });
      await auth.logOut(first.refresh_token);
      await assert.rejects(auth.refresh(first.refresh_token), refused(401, 'InvalidSession'));
      await assert.rejects(auth.authenticate(first.access_token), refused(401, 'InvalidSession'));
      await auth.refresh(second.refresh_token);
    });

    it('is 401 after an anonymous user was removed', async () => {
      const auth = create();
      const { access_token, refresh_token } = await auth.login('anon-user', {});
      await auth.deleteUser(access_token);
      await assert.rejects(auth.refresh(refresh_token), refused(401, 'InvalidSession'));
    });

    it('is 401 after the key was revoked', async () => {
      const auth = create();
      const { key, id } = await keyOf('kiosk-7');
      const { access_token, refresh_token } = await auth.login('api-key', { key });
      await apiKeys.revoke(id, new Date(now));
      await assert.rejects(auth.refresh(refresh_token), refused(401, 'InvalidSession'));
      await assert.rejects(auth.authenticate(access_token), refused(401, 'InvalidSession'));
    });

    it('works if the store with the key was lost but the secret was not', async () => {
      const { key } = await keyOf('kiosk-7');
      const { refresh_token } = await create().login('api-key', { key });
      apiKeys = new MemoryApiKeys();
      await create().refresh(refresh_token);
    });

    it('is 400 with something that is not a JWT', async () => {
      for (const token of ['', 'x', 'a.b', 'a.b.c', 'e30.bm9wZQ.x']) {
        await assert.rejects(create().refresh(token), refused(400, 'BadRequest'), token);
      }
    });

    it('with a token of a lost secret keeps an anonymous user, if anonymous users are allowed', async () => {
      const { refresh_token, user_id } = await create({ signingKey: otherKey }).login('anon-user', {});
      const auth = create();
      const { access_token } = await auth.refresh(refresh_token);
      assert.equal((await auth.authenticate(access_token)).userId, user_id);
      assert.equal(auth.counters.unverifiedRefreshes, 1);

      await assert.rejects(
        create({ allowAnonymous: false }).refresh(refresh_token),
        refused(503, 'MaintenanceInProgress'),
      );
    });

    it('with a token of a lost secret holds a named user back, and never logs it out', async () => {
      const { key } = await keyOf('kiosk-7');
      const { refresh_token } = await create({ signingKey: otherKey }).login('api-key', { key });
      await assert.rejects(create().refresh(refresh_token), refused(503, 'MaintenanceInProgress'));
    });

    it('with a token of a lost secret is 401 for a removed user', async () => {
      const lost = await create({ signingKey: otherKey }).login('anon-user', {});
      await revocations.add(`user:${lost.user_id}`);
      await assert.rejects(create().refresh(lost.refresh_token), refused(401, 'InvalidSession'));
    });

    it('with unverified tokens counts each, and logs one line a user and hour', async () => {
      const auth = create();
      const lost = create({ signingKey: otherKey, logger: new RecordingLogger() });
      const first = (await lost.login('anon-user', {})).refresh_token;
      const second = (await lost.login('anon-user', {})).refresh_token;
      for (const token of [first, first, first, second]) await auth.refresh(token);
      assert.equal(auth.counters.unverifiedRefreshes, 4);
      assert.equal(logger.at('error').length, 2);
      now += 3_600_000;
      await auth.refresh(first);
      assert.equal(logger.at('error').length, 3);
      assert.equal((logger.at('error')[2]!.fields as { events: number }).events, 3);
    });

    it('with a made-up subject accepts no invalid user id', async () => {
      for (const subject of ['anon-../../etc', `anon-${'a'.repeat(1000)}`, 'kiosk', undefined]) {
        const token = await new SignJWT({ ...(subject !== undefined && { sub: subject }) })
          .setProtectedHeader({ alg: 'HS256' })
          .sign(otherKey);
        await assert.rejects(create().refresh(token), refused(503, 'MaintenanceInProgress'));
      }
    });
  });

  describe('removal', () => {
    it('of a named user ends this log-in only: other devices may share the name', async () => {
      const auth = create();
      const { key } = await keyOf('fleet');
      const first = await auth.login('api-key', { key });
      const second = await auth.login('api-key', { key });
      await auth.deleteUser(first.access_token);
      await assert.rejects(auth.refresh(first.refresh_token), refused(401, 'InvalidSession'));
      await auth.refresh(second.refresh_token);
      await auth.login('api-key', { key });
    });

    it('is refused with an unverified token', async () => {
      const lost = await create({ signingKey: otherKey }).login('anon-user', {});
      const auth = create();
      const { access_token } = await auth.refresh(lost.refresh_token);
      await assert.rejects(auth.deleteUser(access_token), refused(403, 'AuthError'));
      await auth.refresh(lost.refresh_token);
    });
  });

  it('log-out with a token that is not ours revokes nothing', async () => {
    const auth = create();
    const { refresh_token } = await auth.login('anon-user', {});
    const [header, claims] = refresh_token.split('.');
    await assert.rejects(auth.logOut(`${header}.${claims}.AAAA`), refused(401, 'InvalidSession'));
    await auth.refresh(refresh_token);
  });

  it('never writes a token or a key into the log or an error', async () => {
    const auth = create();
    const { key } = await keyOf('kiosk-7');
    const secrets = [key];
    const errors: unknown[] = [];
    const { access_token, refresh_token } = await auth.login('api-key', { key });
    const lost = await create({ signingKey: otherKey }).login('anon-user', {});
    secrets.push(access_token, refresh_token, lost.access_token, lost.refresh_token);
    await auth.refresh(lost.refresh_token);
    await auth.logOut(refresh_token);
    for (const attempt of [
      () => auth.refresh(refresh_token),
      () => auth.authenticate(access_token),
      () => auth.authenticate(lost.access_token),
      () => auth.login('api-key', { key: `${key}x` }),
      () => auth.login(key, {}),
    ]) {
      await attempt().catch((error: unknown) => errors.push(error));
    }
    assert.equal(errors.length, 5);
    const written = JSON.stringify(logger.lines) + errors.map(String).join('\n');
    for (const secret of secrets) assert.ok(!written.includes(secret));
  });
});
