/**
 * MongoDB's documents, decoded from their bytes: types are exact, and values are those of our own `bson`, whatever the
 * driver's version.
 *
 * @module
 */
import { Binary, deserialize, type DBRef, type Long } from 'bson';
import type { Document, DocumentValue } from '../document.js';

/**
 * Values of types that our documents never have, written by other programs, stay as `bson` decodes them.
 *
 * @throws BSONError if the bytes are not a document
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
      // `bson` makes this of a map with the fields of a reference.
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
