/**
 * Numbers of telemetry in canonical Extended JSON v2, by the one rule of both packages.
 *
 * Source: https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/ (canonical form).
 *
 * @module
 */

/** How deep arrays and maps may be nested. Deeper ones are stored as text. */
export const maxCollectionLevels = 64;

/**
 * A number by the rule for telemetry: integral within ±(2^53−1) → Int32 if it fits, else Int64, and −0 is 0; all others
 * Double, in the text that js-bson's EJSON gives them.
 */
export function numberToExtendedJson(value: number): string {
  if (Number.isSafeInteger(value)) return integerToExtendedJson(value, value === (value | 0));
  return `{"$numberDouble":"${Number.isInteger(value) ? value.toFixed(1) : String(value)}"}`;
}

/** A 64-bit integer by the same rule. */
export function bigintToExtendedJson(value: bigint): string {
  return integerToExtendedJson(value, value === BigInt.asIntN(32, value));
}

function integerToExtendedJson(value: number | bigint, fitsInt32: boolean): string {
  // A template makes "0" of -0.
  return fitsInt32 ? `{"$numberInt":"${value}"}` : `{"$numberLong":"${value}"}`;
}
