/**
 * Equality of documents.
 *
 * Source: design, rule of delivery 4.
 *
 * @module
 */
import { isMap, type BsonWrapper, type Document, type DocumentValue } from './document.js';

/**
 * Whether two documents are equal by BSON type and bits, without `ingest`. NaN equals NaN; -0 and 0 differ, and so do
 * Int32 1 and Int64 1.
 *
 * The order of fields does not matter: Realm objects and dictionaries have no order.
 */
export function equalDocuments(left: Document, right: Document): boolean {
  return equalFields(left, right, 'ingest');
}

function equalFields(left: Document, right: Document, ignored?: string): boolean {
  const names = Object.keys(left).filter((name) => name !== ignored);
  if (names.length !== Object.keys(right).filter((name) => name !== ignored).length) return false;
  return names.every((name) => {
    const value = left[name];
    const other = right[name];
    return value !== undefined && other !== undefined && equalValues(value, other);
  });
}

function equalValues(left: DocumentValue, right: DocumentValue): boolean {
  if (left === null || right === null) return left === right;
  if (typeof left !== 'object' || typeof right !== 'object') return left === right;
  if (left instanceof Date || right instanceof Date) {
    return left instanceof Date && right instanceof Date && left.getTime() === right.getTime();
  }
  if (Array.isArray(left) || Array.isArray(right)) {
    return (
      Array.isArray(left) &&
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((value: DocumentValue, index) => equalValues(value, right[index] as DocumentValue))
    );
  }
  if (isMap(left) || isMap(right)) return isMap(left) && isMap(right) && equalFields(left, right);
  return equalWrappers(left as BsonWrapper, right as BsonWrapper);
}

function equalWrappers(left: BsonWrapper, right: BsonWrapper): boolean {
  switch (left._bsontype) {
    case 'Int32':
      return right._bsontype === 'Int32' && left.value === right.value;
    case 'Double':
      return right._bsontype === 'Double' && Object.is(left.value, right.value);
    case 'Decimal128':
      return right._bsontype === 'Decimal128' && equalBytes(left.bytes, right.bytes);
    case 'ObjectId':
      return right._bsontype === 'ObjectId' && equalBytes(left.id, right.id);
    case 'Binary':
      return (
        right._bsontype === 'Binary' &&
        left.sub_type === right.sub_type &&
        equalBytes(left.value(), right.value())
      );
  }
}

function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}
