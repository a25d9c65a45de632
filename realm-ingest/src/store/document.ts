/**
 * Documents, as stores accept and return them.
 *
 * @module
 */
import type { Binary, Decimal128, Double, Int32, ObjectId } from 'bson';

/**
 * A BSON value. Each BSON type has exactly one JavaScript form: Int32 and Double are wrapper objects, Int64 is a bigint,
 * binary and UUID are `Binary` (subtypes 0 and 4). A bare `number` never occurs.
 */
export type DocumentValue =
  null | boolean | string | bigint | BsonWrapper | Date | readonly DocumentValue[] | Document;

/** A value of a `bson` class. Check `_bsontype`, not the class: two copies of `bson` may be loaded. */
export type BsonWrapper = Int32 | Double | Decimal128 | ObjectId | Binary;

/** A document, or a map inside one. Its prototype is null: `__proto__` is an ordinary key. */
export interface Document {
  [field: string]: DocumentValue;
}

/**
 * Whether a value is a map, by its prototype: a user's map may have a field `_bsontype`. Plain objects are maps too.
 */
export function isMap(value: DocumentValue): value is Document {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
