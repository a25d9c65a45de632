/**
 * Documents as canonical Extended JSON v2, one line each: what `mongoimport` takes, with every type kept.
 *
 * @module
 */
import { EJSON } from 'bson';
import type { Document, DocumentValue } from '../store/document.js';

/** Maps and lists are written here: `EJSON` takes a map that holds `_bsontype` for one of its own values. */
export function toExtendedJson(value: DocumentValue): string {
  if (value === null || typeof value !== 'object') return toScalar(value);
  if (Array.isArray(value)) return `[${value.map(toExtendedJson).join(',')}]`;
  if (isMap(value)) {
    const fields = Object.entries(value).map(
      ([name, field]) => `${JSON.stringify(name)}:${toExtendedJson(field)}`,
    );
    return `{${fields.join(',')}}`;
  }
  return toScalar(value);
}

function toScalar(value: DocumentValue): string {
  return EJSON.stringify(value, { relaxed: false });
}

/** Maps have no prototype, or that of an object literal; BSON's own values and Dates have their class's. */
function isMap(value: object): value is Document {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
