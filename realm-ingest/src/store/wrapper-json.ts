/**
 * BSON values without a JSON form, as Extended JSON.
 *
 * @module
 */
import { Decimal128, type Int32 } from 'bson';
import type { BsonWrapper } from './document.js';

/**
 * Encodes a value whose form does not depend on its field.
 *
 * @throws TypeError for an object of no BSON type
 */
export function encodeWrapper(value: Exclude<BsonWrapper, Int32>): string {
  switch (value._bsontype) {
    case 'Double':
      return encodeDouble(value.value);
    case 'ObjectId':
      return wrap('$oid', value.toHexString());
    case 'Decimal128': {
      const text = value.toString();
      return isTextOf(text, value)
        ? wrap('$numberDecimal', text)
        : wrap('$decimal128', Buffer.from(value.bytes).toString('hex'));
    }
    case 'Binary': {
      const bytes = Buffer.from(value.value());
      if (value.sub_type === 4 && bytes.length === 16) {
        const hex = bytes.toString('hex');
        return wrap('$uuid', hex.replace(/^(.{8})(.{4})(.{4})(.{4})/u, '$1-$2-$3-$4-'));
      }
      const subtype = value.sub_type.toString(16).padStart(2, '0');
      return `{"$binary":{"base64":"${bytes.toString('base64')}","subType":"${subtype}"}}`;
    }
    default:
      throw new TypeError('a value of no BSON type');
  }
}

/** `{"$numberLong":"42"}`: a text with its type. */
export function wrap(type: string, text: string): string {
  return `{"${type}":${JSON.stringify(text)}}`;
}

/** Whether a decimal's text restores its bits: not for every NaN, nor beyond 34 digits, for which the bits have room. */
function isTextOf(text: string, decimal: Decimal128): boolean {
  try {
    return Buffer.compare(Decimal128.fromString(text).bytes, decimal.bytes) === 0;
  } catch {
    return false;
  }
}

function encodeDouble(value: number): string {
  if (Object.is(value, -0)) return wrap('$numberDouble', '-0.0');
  const text = String(value);
  if (!Number.isFinite(value)) return wrap('$numberDouble', text);
  // A point or an exponent marks a double.
  return /[.e]/u.test(text) ? text : `${text}.0`;
}
