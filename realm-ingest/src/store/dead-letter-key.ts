/**
 * The keys of dead letters.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import type { DeadLetterReason } from './store.js';

/** SHA-256 of a changeset, 32 bytes. All dead letters of a changeset share its bytes, which are stored under it. */
export function digestChangeset(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

/** Stands for the whole changeset: no object has this place. */
const noPlace = -(2n ** 63n);

/**
 * The key of a dead letter: hex SHA-256 of the changeset's digest (32 bytes), the place (64 bits, big endian, two's
 * complement; the smallest for the whole changeset) and the reason in UTF-8. So the same object of the same changeset,
 * rejected for the same reason, always has the same dead letter.
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

/** The range of keys that begin with `key`: from `first`, before `end`. Undefined if no key can begin with it. */
export function keysBeginningWith(key: string): { readonly first: string; readonly end: string } | undefined {
  // `g` follows every hex digit.
  return /^[0-9a-f]{1,64}$/u.test(key) ? { first: key, end: `${key}g` } : undefined;
}
