/**
 * Converts a record's values to bytes and back, without loss. The spool keeps records as bytes, not as objects of their own
 * classes, because realm-js reads an `int` back as a JS number.
 *
 * The bytes are one BSON document, `{ c: class name, v: values }`. BSON keeps doubles, 64-bit integers and bytes apart.
 * A map is `{ k: [names], v: [values] }`, an array `{ a: [values] }`. Names are kept as values, because BSON's own names
 * cannot hold NUL, nor `$ref` when they are read back.
 *
 * @module
 */

import { Binary, Long, ObjectId, deserialize, serialize } from 'bson';
import type { ObjectIdConstructor, ObjectIdLike } from '../realm/realm-types.js';

/** The largest payload, in bytes. Realm refuses `data` of 16 MiB or more, and throws inside the transaction. */
export const MAX_PAYLOAD_BYTES = 16 * 1024 * 1024 - 64;

/** A record in the spool: the arguments of `realm.create(className, values)`. */
export interface SpooledValues {
  readonly className: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Packs a record's values.
 *
 * @throws RangeError if they do not fit into {@link MAX_PAYLOAD_BYTES}, TypeError for a value of an unexpected type
 */
export function encodePayload(record: SpooledValues): Uint8Array<ArrayBuffer> {
  const bytes = serialize({ c: record.className, v: pack(record.values) });
  if (bytes.length > MAX_PAYLOAD_BYTES) {
    throw new RangeError(`a record of ${bytes.length} bytes; at most ${MAX_PAYLOAD_BYTES} can be spooled`);
  }
  // A copy, because Realm takes the whole underlying buffer, and BSON's is shared.
  return Uint8Array.from(bytes);
}

/**
 * Unpacks what {@link encodePayload} packed.
 *
 * @param RealmObjectId - the class that ObjectIds come back in
 * @throws any error if the bytes are not such a payload
 */
export function decodePayload(bytes: ArrayBuffer, RealmObjectId: ObjectIdConstructor): SpooledValues {
  const document = deserialize(new Uint8Array(bytes), {
    useBigInt64: true,
    promoteBuffers: false,
    promoteValues: true,
  });
  const className: unknown = document.c;
  if (typeof className !== 'string') throw new TypeError('a payload without its class');
  const values = unpack(document.v, RealmObjectId);
  if (!isMap(values)) throw new TypeError('a payload without its values');
  return { className, values };
}

function pack(value: unknown): unknown {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return value;
    case 'bigint':
      if (BigInt.asIntN(64, value) !== value) throw new TypeError('an integer of more than 64 bits');
      return Long.fromBigInt(value);
    case 'object':
      return value === null ? null : packObject(value);
    case 'undefined':
    case 'function':
    case 'symbol':
      throw new TypeError(`a value of type ${typeof value} in a record`);
  }
}

function packObject(value: object): unknown {
  if (value instanceof Uint8Array) return new Binary(value);
  if (value instanceof ArrayBuffer) return new Binary(new Uint8Array(value));
  if (isObjectId(value)) return new ObjectId(value.toHexString());
  if (Array.isArray(value)) return { a: value.map(pack) };
  if (!isMap(value)) throw new TypeError('an object of an unexpected class in a record');
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return { k: entries.map(([name]) => name), v: entries.map(([, inner]) => pack(inner)) };
}

function unpack(value: unknown, RealmObjectId: ObjectIdConstructor): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Binary) return Uint8Array.from(value.value());
  if (value instanceof ObjectId) return new RealmObjectId(value.toHexString());
  const { a: array, k: names, v: values } = value as Record<string, unknown>;
  if (Array.isArray(array)) return array.map((inner) => unpack(inner, RealmObjectId));
  if (!Array.isArray(names) || !Array.isArray(values) || names.length !== values.length) {
    throw new TypeError('a payload of an unknown shape');
  }
  const map: Record<string, unknown> = {};
  names.forEach((name, index) => {
    // Defined, not assigned, because `__proto__` is a name like any other.
    Object.defineProperty(map, String(name), {
      value: unpack(values[index], RealmObjectId),
      configurable: true,
      enumerable: true,
      writable: true,
    });
  });
  return map;
}

function isObjectId(value: object): value is ObjectIdLike {
  return '_bsontype' in value && /^ObjectI[dD]$/.test(String(value._bsontype));
}

function isMap(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || isForeignObjectPrototype(prototype);
}

/** Plain objects of another JavaScript realm, which test runners and `vm` make. */
function isForeignObjectPrototype(prototype: unknown): boolean {
  return typeof prototype === 'object' && prototype !== null && Object.getPrototypeOf(prototype) === null;
}
