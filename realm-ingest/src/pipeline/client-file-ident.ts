/**
 * Idents and salts of client files.
 *
 * Source: design, rule of delivery 8.
 *
 * @module
 */
import { createHmac, randomBytes } from 'node:crypto';

const minIdent = 1n << 32n;
const identMask = (1n << 62n) - 1n;
const saltMask = (1n << 63n) - 1n;

/** A random ident in [2^32, 2^62). So a restored store does not give out an ident that a device already has. */
export function createClientFileIdent(): bigint {
  for (;;) {
    const ident = randomBytes(8).readBigUInt64BE() & identMask;
    if (ident >= minIdent) return ident;
  }
}

/**
 * The salt that goes with an ident: the first 8 bytes, big-endian, top bit cleared (0 becomes 1), of
 * HMAC-SHA-256(salt key, app 00 user 00 ident as 8 bytes big-endian). Frozen by a vector.
 *
 * @param saltKey - see `deriveKeys`
 * @param ident - positive, 64 bits
 */
export function toClientFileSalt(saltKey: Uint8Array, appId: string, userId: string, ident: bigint): bigint {
  const identBytes = Buffer.alloc(8);
  identBytes.writeBigInt64BE(ident);
  const digest = createHmac('sha256', saltKey).update(`${appId}\0${userId}\0`).update(identBytes).digest();
  const salt = digest.readBigUInt64BE() & saltMask;
  return salt === 0n ? 1n : salt;
}
