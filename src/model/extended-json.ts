/**
 * Writes arrays and maps as canonical Extended JSON v2. The text is built directly, so that no intermediate form changes a
 * number, a BigInt or a byte. Keys are encoded as Realm keys: a user's `$date` becomes `%24date`, and only our own wrappers
 * begin with `$`.
 *
 * Source: https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/ (canonical form).
 *
 * @module
 */
import { encodeBase64 } from './base64.js';
import {
  bigintToExtendedJson,
  maxCollectionLevels,
  numberToExtendedJson,
} from '../wire/extended-json-number.js';
import { encodeRealmKey } from '../wire/realm-key.js';
import type { RecordContext } from './record-context.js';
import { ListValue, MapValue, readValue, textOf, type ScalarValue } from './telemetry-value.js';

/**
 * Bytes of an element beside its text: a little more than in BSON (type, index, length) and in Extended JSON (comma, colon,
 * brackets).
 */
export const elementBytes = 8;

/** The text of a collection and its elements. @throws ValueTooLargeError */
export function collectionToExtendedJson(collection: ListValue | MapValue, context: RecordContext): string {
  return writeCollection(collection, context, []);
}

function writeScalar(value: ScalarValue): string {
  if (typeof value === 'number') return numberToExtendedJson(value);
  if (typeof value === 'bigint') return bigintToExtendedJson(value);
  if (value instanceof Uint8Array) return `{"$binary":{"base64":"${encodeBase64(value)}","subType":"00"}}`;
  return JSON.stringify(value);
}

/** @param enclosing - the collections around this one; unchanged on return */
function writeCollection(
  collection: ListValue | MapValue,
  context: RecordContext,
  enclosing: object[],
): string {
  enclosing.push(collection.source);
  const text =
    collection instanceof ListValue
      ? writeList(collection, context, enclosing)
      : writeMap(collection, context, enclosing);
  enclosing.pop();
  return text;
}

function writeMap({ entries }: MapValue, context: RecordContext, enclosing: object[]): string {
  context.spendElements(entries.length, elementBytes);
  let text = '';
  for (const [name, value] of entries) {
    const key = JSON.stringify(encodeRealmKey(name));
    context.spendUtf8(key);
    text += `${text === '' ? '' : ','}${key}:${writeValue(value, context, enclosing)}`;
  }
  return `{${text}}`;
}

function writeList({ source }: ListValue, context: RecordContext, enclosing: object[]): string {
  // All at once: iterating over a huge sparse array would never end.
  const { length } = source;
  if (!Number.isSafeInteger(length) || length < 0) throw new TypeError('an array without a length');
  context.spendElements(length, elementBytes);
  let text = '';
  for (let i = 0; i < length; i++) {
    let element: unknown = null;
    try {
      element = source[i];
    } catch {
      context.note('an element could not be read, stored as null');
    }
    text += `${i === 0 ? '' : ','}${writeValue(element, context, enclosing)}`;
  }
  return `[${text}]`;
}

function writeValue(value: unknown, context: RecordContext, enclosing: object[]): string {
  let read = readValue(value, context);
  if (read instanceof ListValue || read instanceof MapValue) {
    const circular = enclosing.includes(read.source);
    if (!circular && enclosing.length < maxCollectionLevels) return writeCollection(read, context, enclosing);
    context.note(`${circular ? 'circular' : `more than ${maxCollectionLevels} levels deep`}, stored as text`);
    read = textOf(value);
  }
  const text = writeScalar(read ?? null);
  context.spendUtf8(text);
  return text;
}
