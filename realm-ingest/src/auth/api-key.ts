/**
 * API keys of devices: made once, shown once, kept as hashes.
 *
 * @module
 */
import { createHash, randomBytes } from 'node:crypto';
import type { ApiKey } from '../store/store.js';

/** So that people, and scanners for leaked credentials, recognise a key when they see one. */
const keyPrefix = 'rik_';
const keyPattern = /^rik_[\w-]{43}$/;

/** A new key: its text, which nobody can recover later, and what the store keeps of it. */
export interface CreatedApiKey {
  /** `rik_` and 256 random bits in base64url. */
  readonly key: string;
  readonly stored: ApiKey;
}

/** Makes a key that logs in the user `userName`. */
export function createApiKey(userName: string, createdAt: Date): CreatedApiKey {
  const key = keyPrefix + randomBytes(32).toString('base64url');
  return {
    key,
    stored: { id: randomBytes(12).toString('hex'), hash: toApiKeyHash(key), userName, createdAt },
  };
}

/** Whether a text has the form of a key: what has not need not be looked up. */
export function isApiKeyText(text: string): boolean {
  return keyPattern.test(text);
}

/**
 * SHA-256 of a key, 32 bytes. A key is found by it: 256 random bits need no slow hash, and how long the look-up of a
 * hash takes tells nothing of the key.
 */
export function toApiKeyHash(key: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(key).digest());
}
