/**
 * Documents for the driver.
 *
 * @module
 */
import { isMap, type BsonWrapper, type Document, type DocumentValue } from '../document.js';
import type { Driver } from './driver.js';

/**
 * A document for the driver. Every map becomes a `Map`, because BSON's serialiser mistakes an object with a user's field
 * `_bsontype` for a BSON value. Values become those of the driver's version.
 */
export function encodeDocument(document: Document, bson: Driver['BSON']): Map<string, unknown> {
  return new Map(Object.entries(document).map(([name, value]) => [name, encodeValue(value, bson)]));
}

/** @throws TypeError for a value of no known type */
export function encodeValue(value: DocumentValue, bson: Driver['BSON']): unknown {
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map((element: DocumentValue) => encodeValue(element, bson));
  if (isMap(value)) return encodeDocument(value, bson);
  return encodeWrapper(value as BsonWrapper, bson);
}

function encodeWrapper(value: BsonWrapper, bson: Driver['BSON']): unknown {
  switch (value._bsontype) {
    case 'Int32':
      return new bson.Int32(value.value);
    case 'Double':
      return new bson.Double(value.value);
    case 'Decimal128':
      return new bson.Decimal128(value.bytes);
    case 'ObjectId':
      return new bson.ObjectId(value.id);
    case 'Binary':
      return new bson.Binary(value.value(), value.sub_type);
    default:
      throw new TypeError('a value of no BSON type');
  }
}
