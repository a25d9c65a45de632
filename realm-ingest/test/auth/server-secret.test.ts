import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { resolveServerSecret, SecretError } from '../../src/auth/server-secret.js';
import type { StoredSecret } from '../../src/store/store.js';
import { RecordingLogger } from '../../../test/support/server/recording-logger.js';

/** The secrets of a store in memory. The first secret stays. */
class MemorySecrets {
  kept: { secret?: Uint8Array; fingerprint?: Uint8Array } = {};

  loadSecret(): Promise<StoredSecret> {
    return Promise.resolve({ ...this.kept });
  }

  keepSecret(candidate: Uint8Array): Promise<Uint8Array> {
    this.kept.secret ??= candidate;
    return Promise.resolve(this.kept.secret);
  }

  keepFingerprint(fingerprint: Uint8Array): Promise<void> {
    this.kept.fingerprint = fingerprint;
    return Promise.resolve();
  }
}

describe('the server secret', () => {
  const given = new TextEncoder().encode('a secret of thirty-two bytes....');
  let store: MemorySecrets;
  let logger: RecordingLogger;

  beforeEach(() => {
    store = new MemorySecrets();
    logger = new RecordingLogger();
  });

  it('is made in the store if none is given, once, and asks for a backup', async () => {
    const secret = await resolveServerSecret(store, undefined, logger);
    assert.ok(secret.length >= 32);
    assert.deepEqual(store.kept.secret, secret);
    assert.match(logger.at('warn')[0]!.message, /back it up/);
    assert.deepEqual(await resolveServerSecret(store, undefined, logger), secret);
    assert.equal(logger.lines.length, 1);
  });

  it('is made as text, for a file or the environment', async () => {
    assert.match(
      Buffer.from(await resolveServerSecret(store, undefined, logger)).toString(),
      /^[0-9a-f]{64}$/,
    );
  });

  it('is the one that another process kept, if two start at once', async () => {
    const racing = {
      loadSecret: () => Promise.resolve({}),
      keepSecret: () => Promise.resolve(given),
      keepFingerprint: () => Promise.resolve(),
    };
    assert.deepEqual(await resolveServerSecret(racing, undefined, logger), given);
    assert.equal(logger.lines.length, 0);
  });

  it('is the given one, which is not kept in the store', async () => {
    assert.deepEqual(await resolveServerSecret(store, given, logger), given);
    assert.equal(store.kept.secret, undefined);
    assert.deepEqual(
      Buffer.from(store.kept.fingerprint!),
      createHash('sha256').update(given).digest(),
      'only a fingerprint is',
    );
  });

  it('logs an error if the last start had another, once for each change', async () => {
    await resolveServerSecret(store, undefined, logger);
    await resolveServerSecret(store, given, logger);
    await resolveServerSecret(store, given, logger);
    assert.equal(logger.at('error').length, 1);
    await resolveServerSecret(store, undefined, logger);
    assert.equal(logger.at('error').length, 2);
  });

  it('has 32 bytes or more', async () => {
    await assert.rejects(
      resolveServerSecret(store, given.subarray(1), logger),
      (error) => error instanceof SecretError && error.message.includes('has 31 bytes; it needs at least 32'),
    );
  });

  it('is never logged', async () => {
    const made = await resolveServerSecret(store, undefined, logger);
    await resolveServerSecret(store, given, logger);
    const written = JSON.stringify(logger.lines);
    for (const secret of [made, given]) {
      for (const encoding of ['utf8', 'hex', 'base64'] as const) {
        assert.ok(!written.includes(Buffer.from(secret).toString(encoding)));
      }
    }
  });
});
