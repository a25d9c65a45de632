/**
 * The keys of dead letters.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import type { DeadLetterReason } from './store.js';

/** SHA-256 of a changeset, 32 bytes: under it, its bytes are kept once for all dead letters that come of it. */
export function digestChangeset(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

/** Stands for "the whole changeset": no object has this place. */
const noPlace = -(2n ** 63n);

/**
 * The key of a dead letter: hex SHA-256 of the changeset's digest (32 bytes), the place (64 bits, big endian, two's
 * complement; the smallest where the whole changeset is meant) and the reason in UTF-8. The same object of the same
 * changeset set aside for the same reason is the same dead letter, whoever meets it and whenever.
 *
 * @param digest - {@link digestChangeset} of the changeset
 */
export function deadLetterKey(
  digest: Uint8Array,
  place: number | undefined,
  reason: DeadLetterReason,
): string {
  const placeBytes = Buffer.alloc(8);
  placeBytes.writeBigInt64BE(place === undefined ? noPlace : BigInt(place));
  return createHash('sha256').update(digest).update(placeBytes).update(reason).digest('hex');
}

/**
 * The keys that begin so: from `first` on, before `end`. Undefined for what no key begins with.
 */
export function keysBeginningWith(key: string): { readonly first: string; readonly end: string } | undefined {
  // The end has the character after every hex digit.
  return /^[0-9a-f]{1,64}$/u.test(key) ? { first: key, end: `${key}g` } : undefined;
}
