/**
 * Decimals: Realm's three parts → BSON's 16 bytes.
 *
 * Source: sync protocol, section 9.4.
 *
 * @module
 */
import type { ByteReader } from './byte-reader.js';
import { ChangesetError } from './changeset-error.js';

/** A decimal128 has 113 bits for the coefficient, beside 14 bits of exponent and the sign. */
const coefficientBits = 113n;
const maxCoefficientBytes = 17;
const exponentBias = 6176;
const maxBiasedExponent = 2 ** 14 - 1;

/**
 * Reads `coefficient exponent:int sign:bool`. The coefficient has no sign: groups of 7 bits, little endian; the last
 * group has 7 bits too, unlike an int's. NaN and the infinities are ordinary exponents here (9696, 9184).
 *
 * @returns 16 new bytes
 */
export function readDecimal128(reader: ByteReader): Uint8Array {
  const start = reader.offset;
  const coefficient = readCoefficient(reader);
  const biasedExponent = reader.int() + exponentBias;
  const isNegative = reader.bool('sign of a decimal');
  if (biasedExponent < 0 || biasedExponent > maxBiasedExponent) {
    throw new ChangesetError(
      'bad-changeset',
      start,
      `decimal with exponent ${biasedExponent - exponentBias}`,
    );
  }
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt.asUintN(64, coefficient), true);
  view.setBigUint64(
    8,
    (coefficient >> 64n) | (BigInt(biasedExponent) << 49n) | (isNegative ? 1n << 63n : 0n),
    true,
  );
  return bytes;
}

function readCoefficient(reader: ByteReader): bigint {
  const start = reader.offset;
  let coefficient = 0n;
  for (let index = 0; index < maxCoefficientBytes; index++) {
    const byte = reader.uint8();
    coefficient |= BigInt(byte & 0x7f) << BigInt(7 * index);
    if (byte >= 0x80) continue;
    if (coefficient >> coefficientBits !== 0n) break;
    return coefficient;
  }
  throw new ChangesetError(
    'bad-changeset',
    start,
    `decimal with a coefficient of more than ${coefficientBits} bits`,
  );
}
