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
  | null
  | boolean
  | string
  | bigint
  | Int32
  | Double
  | Decimal128
  | ObjectId
  | Binary
  | Date
  | readonly DocumentValue[]
  | Document;

/** A document, or a map inside one. Its prototype is null: `__proto__` is a key like any other. */
export interface Document {
  [field: string]: DocumentValue;
}
