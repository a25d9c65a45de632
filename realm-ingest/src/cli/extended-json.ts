/**
 * Documents as canonical Extended JSON v2, one line each. `mongoimport` reads it, and no type is lost.
 *
 * @module
 */
import { EJSON } from 'bson';
import { isMap, type DocumentValue } from '../store/document.js';

/** Maps and arrays are written here: `EJSON` mistakes a map with a field `_bsontype` for a BSON value. */
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
