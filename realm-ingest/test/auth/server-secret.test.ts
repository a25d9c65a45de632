import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSecretFile } from '../../src/auth/secret-file.js';
import { resolveServerSecret, SecretError } from '../../src/auth/server-secret.js';
import type { StoredSecret } from '../../src/store/store.js';
import { RecordingLogger } from '../../../test/support/server/recording-logger.js';
import { skip } from '../../../test/support/skip.js';

/** What a store remembers, as a store keeps it: the first secret stays. */
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

  it('is made in the store where none is given, once, and says that it wants a backup', async () => {
    const secret = await resolveServerSecret(store, undefined, logger);
    assert.ok(secret.length >= 32);
    assert.deepEqual(store.kept.secret, secret);
    assert.match(logger.at('warn')[0]!.message, /back it up/);
    assert.deepEqual(await resolveServerSecret(store, undefined, logger), secret);
    assert.equal(logger.lines.length, 1);
  });

  it('is text when it is made, so that a file or the environment can hold it as it is', async () => {
    assert.match(
      Buffer.from(await resolveServerSecret(store, undefined, logger)).toString(),
      /^[0-9a-f]{64}$/,
    );
  });

  it("is the one that another process's start kept, where two start at once", async () => {
    const racing = {
      loadSecret: () => Promise.resolve({}),
      keepSecret: () => Promise.resolve(given),
      keepFingerprint: () => Promise.resolve(),
    };
    assert.deepEqual(await resolveServerSecret(racing, undefined, logger), given);
    assert.equal(logger.lines.length, 0);
  });

  it('is the one given, before the one in the store, and is not kept there', async () => {
    assert.deepEqual(await resolveServerSecret(store, given, logger), given);
    assert.equal(store.kept.secret, undefined);
    assert.deepEqual(
      Buffer.from(store.kept.fingerprint!),
      createHash('sha256').update(given).digest(),
      'only a fingerprint is',
    );
  });

  it('says so at error when the store was served with another, once for each change', async () => {
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
      (error) =>
        error instanceof SecretError && error.message.includes('has 31 bytes; at least 32 are needed'),
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

  describe('in a file', () => {
    let directory: string;

    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'realm-ingest-secret-'));
    });

    afterEach(() => rm(directory, { recursive: true }));

    async function read(content: Uint8Array | string, mode = 0o600): Promise<string> {
      const path = join(directory, 'secret');
      await writeFile(path, content);
      await chmod(path, mode);
      return Buffer.from(await readSecretFile(path, logger)).toString('latin1');
    }

    it('is its bytes without one line break at the end', async () => {
      assert.equal(await read('secret'), 'secret');
      assert.equal(await read('secret\n'), 'secret');
      assert.equal(await read('secret\r\n'), 'secret');
      assert.equal(await read('secret \n\n'), 'secret \n');
      assert.equal(await read(Uint8Array.of(0xff, 0, 0x0d)), '\xff\0\r');
    });

    it('is warned about where others may read it', async function () {
      if (process.platform === 'win32') skip(this, 'Windows has no file modes');
      await read('secret', 0o600);
      assert.equal(logger.lines.length, 0);
      await read('secret', 0o640);
      assert.match(logger.at('warn')[0]!.message, /chmod 600/);
    });

    it('that cannot be read is a clear error', async () => {
      await assert.rejects(
        readSecretFile(join(directory, 'nowhere'), logger),
        (error) => error instanceof SecretError && /nowhere cannot be read: .*ENOENT/.test(error.message),
      );
      await assert.rejects(read('x'.repeat(65 * 1024)), SecretError);
    });
  });
});
