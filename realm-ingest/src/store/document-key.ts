/**
 * `_id`s as comparable texts.
 *
 * @module
 */
import { isMap, type BsonWrapper, type DocumentValue } from './document.js';
import { encodeWrapper } from './wrapper-json.js';

/**
 * The key of a stored document: equal exactly for those `_id`s that are the same key in MongoDB.
 *
 * MongoDB compares numbers by value, not by type: 1 as Int32, Int64, double or decimal is the same key, and so are -0 and
 * 0, and NaN and NaN. The order of a map's fields matters. `null` is an ordinary `_id`.
 *
 * The key is JSON: `{"$oid":"…"}`, `"text"`, `42`, `null`.
 */
export function documentKey(id: DocumentValue): string {
  if (id === null) return 'null';
  if (typeof id === 'string') return JSON.stringify(id);
  if (typeof id === 'boolean') return String(id);
  if (typeof id === 'bigint') return decimalKey({ coefficient: id, exponent: 0 });
  if (id instanceof Date) return `{"$date":${id.getTime()}}`;
  if (Array.isArray(id)) return `[${id.map((element: DocumentValue) => documentKey(element)).join(',')}]`;
  if (isMap(id)) {
    const fields = Object.entries(id).map(
      ([name, value]) => `${JSON.stringify(name.startsWith('$') ? `$${name}` : name)}:${documentKey(value)}`,
    );
    return `{${fields.join(',')}}`;
  }
  const wrapper = id as BsonWrapper;
  switch (wrapper._bsontype) {
    case 'Int32':
    case 'Double':
      return Number.isFinite(wrapper.value)
        ? decimalKey(decimalOfDouble(wrapper.value))
        : `{"$number":"${wrapper.value}"}`;
    case 'Decimal128': {
      const text = wrapper.toString();
      const decimal = parseDecimal(text);
      return decimal === undefined ? `{"$number":"${text}"}` : decimalKey(decimal);
    }
    case 'ObjectId':
    case 'Binary':
      return encodeWrapper(wrapper);
  }
}

/** `coefficient` times ten to the `exponent`. */
interface Decimal {
  readonly coefficient: bigint;
  readonly exponent: number;
}

/** Integers of up to 20 digits in full; other numbers as coefficient without trailing zeros, and exponent. */
function decimalKey({ coefficient, exponent }: Decimal): string {
  if (coefficient === 0n) return '0';
  while (coefficient % 10n === 0n) {
    coefficient /= 10n;
    exponent += 1;
  }
  const digits = String(coefficient);
  if (exponent >= 0 && digits.length + exponent <= 20) return digits + '0'.repeat(exponent);
  return `${digits}e${exponent}`;
}

/** Exact: every finite double is a decimal. */
function decimalOfDouble(value: number): Decimal {
  let halvings = 0;
  while (!Number.isInteger(value)) {
    value *= 2;
    halvings += 1;
  }
  return { coefficient: BigInt(value) * 5n ** BigInt(halvings), exponent: -halvings };
}

/** Parses the text of a Decimal128; undefined for NaN and the infinities. */
function parseDecimal(text: string): Decimal | undefined {
  const match = /^(-?\d+)(?:\.(\d+))?(?:E([+-]?\d+))?$/u.exec(text);
  if (match === null) return undefined;
  const [, integer = '', fraction = '', exponent = '0'] = match;
  return { coefficient: BigInt(integer + fraction), exponent: Number(exponent) - fraction.length };
}
