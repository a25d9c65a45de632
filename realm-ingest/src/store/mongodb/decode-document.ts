/**
 * Documents as MongoDB keeps them, read from their bytes: so their types are exact, and whatever the driver's version,
 * the values are those of our own `bson`.
 *
 * @module
 */
import { Binary, deserialize, type DBRef, type Long } from 'bson';
import type { Document, DocumentValue } from '../document.js';

/**
 * Values of types that no document of ours has, which other hands have written, stay as `bson` has them.
 *
 * @throws BSONError for bytes that are no document
 */
export function decodeDocument(bytes: Uint8Array): Document {
  const fields: unknown = deserialize(bytes, {
    promoteValues: false,
    promoteBuffers: false,
    bsonRegExp: true,
  });
  return decodeValue(fields) as Document;
}

function decodeValue(value: unknown): DocumentValue {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value !== 'object') return null;
  if (value instanceof Date) return value;
  if (Array.isArray(value)) return value.map(decodeValue);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return decodeFields(Object.entries(value));
  return decodeWrapper(value);
}

function decodeFields(entries: readonly (readonly [string, unknown])[]): Document {
  const document = Object.create(null) as Document;
  for (const [name, value] of entries) document[name] = decodeValue(value);
  return document;
}

function decodeWrapper(value: object): DocumentValue {
  const { _bsontype: type } = value as { _bsontype?: unknown };
  switch (type) {
    case 'Int32':
    case 'Double':
    case 'Decimal128':
    case 'ObjectId':
      return value as DocumentValue;
    case 'Long':
      return (value as Long).toBigInt();
    case 'Binary': {
      const { buffer, position, sub_type: subtype } = value as Binary;
      return new Binary(buffer.subarray(0, position), subtype);
    }
    case 'DBRef': {
      // A map whose fields are named as a reference's are.
      const { collection, oid, db, fields } = value as DBRef;
      const entries: [string, unknown][] = [
        ['$ref', collection],
        ['$id', oid],
      ];
      if (db !== undefined) entries.push(['$db', db]);
      return decodeFields([...entries, ...Object.entries(fields)]);
    }
    default:
      return value as DocumentValue;
  }
}
