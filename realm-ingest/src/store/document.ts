/**
 * Documents as stores take them and give them back.
 *
 * @module
 */
import type { Binary, Decimal128, Double, Int32, ObjectId } from 'bson';

/**
 * One BSON value in exactly one JavaScript form, so that nothing has to be guessed: Int32 and Double wear their
 * wrappers, Int64 is a bigint, binary and UUID are `Binary` (subtypes 0 and 4). A bare `number` never occurs.
 */
export type DocumentValue =
  null | boolean | string | bigint | BsonWrapper | Date | readonly DocumentValue[] | Document;

/** A value of a class of `bson`'s; told apart by `_bsontype`, for two copies of `bson` may be loaded. */
export type BsonWrapper = Int32 | Double | Decimal128 | ObjectId | Binary;

/** A document, or a map inside one. Its prototype is null: `__proto__` is a key like any other. */
export interface Document {
  [field: string]: DocumentValue;
}

/**
 * Whether a value is a map, by its prototype and never by its fields: a user's map may well have a field `_bsontype`.
 * Plain objects pass too.
 */
export function isMap(value: DocumentValue): value is Document {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
