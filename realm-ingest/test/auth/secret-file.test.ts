import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSecretFile } from '../../src/auth/secret-file.js';
import { SecretError } from '../../src/auth/server-secret.js';
import { RecordingLogger } from '../../../test/support/server/recording-logger.js';
import { skip } from '../../../test/support/skip.js';

describe('readSecretFile', () => {
  let logger: RecordingLogger;
  let directory: string;

  beforeEach(async () => {
    logger = new RecordingLogger();
    directory = await mkdtemp(join(tmpdir(), 'realm-ingest-secret-'));
  });

  afterEach(() => rm(directory, { recursive: true }));

  async function read(content: Uint8Array | string, mode = 0o600): Promise<string> {
    const path = join(directory, 'secret');
    await writeFile(path, content);
    await chmod(path, mode);
    return Buffer.from(await readSecretFile(path, logger)).toString('latin1');
  }

  it('returns the bytes without one line break at the end', async () => {
    assert.equal(await read('secret'), 'secret');
    assert.equal(await read('secret\n'), 'secret');
    assert.equal(await read('secret\r\n'), 'secret');
    assert.equal(await read('secret \n\n'), 'secret \n');
    assert.equal(await read(Uint8Array.of(0xff, 0, 0x0d)), '\xff\0\r');
  });

  it('warns if other users may read the file', async function () {
    if (process.platform === 'win32') skip(this, 'Windows has no file modes');
    await read('secret', 0o600);
    assert.equal(logger.lines.length, 0);
    await read('secret', 0o640);
    assert.match(logger.at('warn')[0]!.message, /chmod 600/);
  });

  it('rejects with a clear error if the file cannot be read', async () => {
    await assert.rejects(
      readSecretFile(join(directory, 'nowhere'), logger),
      (error) => error instanceof SecretError && /nowhere cannot be read: .*ENOENT/.test(error.message),
    );
    await assert.rejects(read('x'.repeat(65 * 1024)), SecretError);
  });
});
