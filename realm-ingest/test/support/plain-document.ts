import assert from 'node:assert/strict';
import { Binary, Decimal128, Double, Int32, ObjectId } from 'bson';
import type { DocumentValue } from '../../src/store/document.js';

/**
 * A document in a form that compares and reads easily: Int32 as `int32(1)`, Double as `double(1.5)`, bytes and UUIDs in hex; Int64
 * stays a bigint, and maps become plain objects.
 */
export function plain(value: DocumentValue | undefined): unknown {
  if (value instanceof Int32) return `int32(${value.value})`;
  if (value instanceof Double) return `double(${Object.is(value.value, -0) ? '-0' : value.value})`;
  if (value instanceof Binary)
    return `binary(${value.sub_type}, ${Buffer.from(value.value()).toString('hex')})`;
  if (value instanceof ObjectId) return `objectId(${value.toHexString()})`;
  if (value instanceof Decimal128) return `decimal128(${value.toString()})`;
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map(plain);
  assert.equal(Object.getPrototypeOf(value), null, 'maps have no prototype');
  const map: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) {
    Object.defineProperty(map, name, {
      value: plain(inner),
      enumerable: true,
      configurable: true,
    });
  }
  return map;
}
