/**
 * API keys of devices: printed once, when they are created; stored as hashes only.
 *
 * @module
 */
import { createHash, randomBytes } from 'node:crypto';
import type { ApiKey } from '../store/store.js';

/** Lets people, and scanners for leaked credentials, recognise a key. */
const keyPrefix = 'rik_';
const keyPattern = /^rik_[\w-]{43}$/;

/** A new key: its text, which cannot be recovered later, and its record for the store. */
interface CreatedApiKey {
  /** `rik_` and 256 random bits in base64url. */
  readonly key: string;
  readonly stored: ApiKey;
}

/** Creates a key that logs in the user `userName`. */
export function createApiKey(userName: string, createdAt: Date): CreatedApiKey {
  const key = keyPrefix + randomBytes(32).toString('base64url');
  return {
    key,
    stored: { id: randomBytes(12).toString('hex'), hash: toApiKeyHash(key), userName, createdAt },
  };
}

/** Whether a text has the form of a key. Other texts need no look-up. */
export function isApiKeyText(text: string): boolean {
  return keyPattern.test(text);
}

/**
 * SHA-256 of a key, 32 bytes: the store finds keys by it. A key has 256 random bits, so it needs no slow hash, and the
 * time of a look-up by hash reveals nothing about the key.
 */
export function toApiKeyHash(key: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(key).digest());
}
