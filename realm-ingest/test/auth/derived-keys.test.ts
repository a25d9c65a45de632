import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { deriveKeys } from '../../src/auth/derived-keys.js';
import { isAnonymousUserId, createAnonymousUserId, toNamedUserId } from '../../src/auth/user-id.js';

/** RFC 5869 in its two steps, for one block of output. */
function hkdf(secret: Uint8Array, label: string): string {
  const pseudorandomKey = createHmac('sha256', Buffer.alloc(32)).update(secret).digest();
  return createHmac('sha256', pseudorandomKey).update(label).update(Buffer.of(1)).digest('hex');
}

describe('keys derived from the server secret', () => {
  const secret = new TextEncoder().encode('0123456789abcdef0123456789abcdef');
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

  it('are frozen', () => {
    const keys = deriveKeys(secret);
    assert.deepEqual(
      { saltKey: hex(keys.saltKey), signingKey: hex(keys.signingKey) },
      {
        saltKey: '86f907ae7fc675ae4335fb062245ffa2b4b5c4b9e8d839392fdc22253b6e011b',
        signingKey: 'e9271663bafdfb6f887197ee5326f4bb8f4a84c0871dbbbabc6ee38e61b2e267',
      },
    );
  });

  it('are HKDF-SHA-256 with a label each', () => {
    const keys = deriveKeys(secret);
    assert.equal(hex(keys.saltKey), hkdf(secret, 'realm-ingest/client-file-salt/1'));
    assert.equal(hex(keys.signingKey), hkdf(secret, 'realm-ingest/token-signing/1'));
  });
});

describe('user ids', () => {
  it('of named users derive from app and name alone, frozen', () => {
    assert.equal(toNamedUserId('my-app', 'kiosk-7'), '5fbc0de877f66d2bf2d21aeb498ceb30');
    assert.notEqual(toNamedUserId('my-app', 'kiosk-7'), toNamedUserId('my-app', 'kiosk-8'));
    assert.notEqual(toNamedUserId('my-app', 'kiosk-7'), toNamedUserId('my-app2', 'kiosk-7'));
  });

  it('of anonymous users begin with anon-, and no others do', () => {
    assert.match(createAnonymousUserId(), /^anon-[0-9a-f]{24}$/);
    assert.notEqual(createAnonymousUserId(), createAnonymousUserId());
    assert.match(toNamedUserId('app', 'anon-0123'), /^[0-9a-f]{32}$/);
  });

  it('from unverified tokens are accepted only if short and plain', () => {
    assert.ok(isAnonymousUserId('anon-65f000000000000000000001'));
    for (const id of ['', 'anon-', 'kiosk', 'anon-a/b', 'anon-a\n', `anon-${'a'.repeat(65)}`, 'Anon-a']) {
      assert.equal(isAnonymousUserId(id), false, JSON.stringify(id));
    }
  });
});
