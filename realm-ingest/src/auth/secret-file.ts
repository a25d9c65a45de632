import { open } from 'node:fs/promises';
import type { Logger } from '../logger.js';
import { SecretError } from './server-secret.js';

/** Nobody's secret is longer; a path to something else must not fill the memory. */
const maxSecretFileBytes = 64 * 1024;

/** Permission bits of others than the owner. */
const othersMode = 0o077;

/**
 * Reads the server's secret from a file: its bytes, without one line break at the end, so that what an editor or
 * `openssl rand -hex 32 > file` wrote equals the same text in the environment.
 *
 * @throws SecretError where it cannot be read
 */
export async function readSecretFile(path: string, logger: Logger): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r');
    try {
      const { mode, size } = await file.stat();
      if (size > maxSecretFileBytes)
        throw new SecretError(`${path} has ${size} bytes; at most ${maxSecretFileBytes} are read`);
      if (process.platform !== 'win32' && (mode & othersMode) !== 0) {
        logger.warn({ path }, 'other users of this machine may read the secret file: chmod 600 it');
      }
      return withoutLineBreak(await file.readFile());
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof SecretError) throw error;
    throw new SecretError(
      `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
}

function withoutLineBreak(bytes: Uint8Array): Uint8Array {
  const lineFeed = 0x0a;
  const carriageReturn = 0x0d;
  if (bytes.at(-1) !== lineFeed) return bytes;
  return bytes.subarray(0, bytes.at(-2) === carriageReturn ? -2 : -1);
}
