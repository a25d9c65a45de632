import { open } from 'node:fs/promises';
import type { Logger } from '../logger.js';
import { SecretError } from './server-secret.js';

/** Bounds the memory if the path names another file. */
const maxSecretFileBytes = 64 * 1024;

/** Permission bits of everyone but the owner. */
const othersMode = 0o077;

/**
 * Reads the server's secret from a file: its bytes without one line break at the end, so that a file from an editor or
 * from `openssl rand -hex 32 > file` equals the same text in the environment.
 *
 * @throws SecretError if the file cannot be read
 */
export async function readSecretFile(path: string, logger: Logger): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r');
    try {
      const { mode, size } = await file.stat();
      if (size > maxSecretFileBytes)
        throw new SecretError(`${path} has ${size} bytes; at most ${maxSecretFileBytes} are allowed`);
      if (process.platform !== 'win32' && (mode & othersMode) !== 0) {
        logger.warn({ path }, 'other users of this machine can read the secret file; run chmod 600 on it');
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
