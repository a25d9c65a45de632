/**
 * Realm values → document values, unchanged: no names are decoded, no dots nest, no numbers become smaller types. Design,
 * "realm-ingest": Int → Int64, float → Double, timestamp → its floor in milliseconds, link → the linked primary key.
 *
 * @module
 */
import { Binary, Decimal128, Double, ObjectId } from 'bson';
import type { RealmScalar, RealmValue } from '../changeset/realm-value.js';
import type { Document, DocumentValue } from '../store/document.js';
import { UnstorableValueError } from './unstorable-value-error.js';

/** No store accepts deeper documents; the limit also bounds the recursion. */
const maxLevels = 100;

/** The range of a JavaScript Date around 1970; ECMA-262, "Time Values and Time Range". */
const maxDateMillis = 8_640_000_000_000_000n;

/**
 * A document value for a Realm value. Bytes are copied out of the changeset.
 *
 * @param level - the number of collections around the value
 * @throws UnstorableValueError
 */
export function toDocumentValue(value: RealmValue, level = 0): DocumentValue {
  if (value.type === 'list' || value.type === 'set') {
    checkLevel(level);
    return value.values.map((element) => toDocumentValue(element, level + 1));
  }
  if (value.type === 'dictionary') return toMap(value.entries, level);
  if (value.type === 'object') return toMap(value.properties, level);
  return toScalar(value);
}

/** A document value for a Realm value without parts. @throws UnstorableValueError */
export function toScalar(value: RealmScalar): DocumentValue {
  switch (value.type) {
    case 'null':
      return null;
    case 'int':
    case 'bool':
    case 'string':
      return value.value;
    case 'float':
    case 'double':
      return new Double(value.value);
    case 'binary':
      return new Binary(value.value.slice());
    case 'timestamp':
      return toDate(value.seconds * 1_000_000_000n + BigInt(value.nanoseconds));
    case 'decimal128':
      return new Decimal128(value.value.slice());
    case 'objectId':
      return new ObjectId(value.value.slice());
    case 'uuid':
      return new Binary(value.value.slice(), Binary.SUBTYPE_UUID);
    case 'link':
      return toScalar(value.primaryKey);
  }
}

/** The Date of a time in nanoseconds since 1970: its floor in milliseconds. @throws UnstorableValueError */
export function toDate(nanos: bigint): Date {
  const towardsZero = nanos / 1_000_000n;
  const millis = nanos % 1_000_000n < 0n ? towardsZero - 1n : towardsZero;
  if (millis > maxDateMillis || millis < -maxDateMillis) {
    throw new UnstorableValueError(
      'unstorable-value',
      `a date ${millis} ms from 1970, outside the range of a Date`,
    );
  }
  return new Date(Number(millis));
}

/** @throws UnstorableValueError if a collection at this level is too deep */
export function checkLevel(level: number): void {
  if (level >= maxLevels) {
    throw new UnstorableValueError('too-deep', `collections nested more than ${maxLevels} levels deep`);
  }
}

/** A map without a prototype: `__proto__` is an ordinary field. */
export function emptyDocument(): Document {
  return Object.create(null) as Document;
}

function toMap(entries: ReadonlyMap<string, RealmValue>, level: number): Document {
  checkLevel(level);
  const map = emptyDocument();
  for (const [name, value] of entries) map[name] = toDocumentValue(value, level + 1);
  return map;
}
