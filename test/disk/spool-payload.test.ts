import assert from 'node:assert/strict';
import { ObjectId as BsonObjectId } from 'bson';
import fc from 'fast-check';
import { decodePayload, encodePayload, MAX_PAYLOAD_BYTES } from '../../src/disk/spool-payload.js';

/** Stands for the class of Realm's own BSON. */
class ObjectId extends BsonObjectId {}

function roundTrip(values: Record<string, unknown>): Readonly<Record<string, unknown>> {
  const payload = encodePayload({ className: 'Span', values });
  const decoded = decodePayload(payload.buffer, ObjectId);
  assert.equal(decoded.className, 'Span');
  return decoded.values;
}

const leaf = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.string(),
  fc.uint8Array(),
);
const name = fc.oneof(
  fc.string(),
  fc.constantFrom('$ref', '$id', '__proto__', '', 'a', 'k', 'v', '\0', '_bsontype'),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      name.filter((key) => key !== '_bsontype'),
      tie('value'),
      { maxKeys: 4, noNullPrototype: true },
    ),
  ),
}));

describe('spool payload', () => {
  it('returns equal values: numbers as numbers, bigints as bigints, to the last bit', () => {
    fc.assert(
      fc.property(fc.dictionary(name, value, { noNullPrototype: true }), (values) => {
        assert.deepStrictEqual(roundTrip(values), values);
      }),
    );
  });

  it('keeps 64-bit integers exact, and keeps 1, 1n and 1.5 apart', () => {
    const values = {
      a: 1_700_000_000_123_456_789n,
      b: -(2n ** 63n),
      c: 1,
      d: 1n,
      e: 1.5,
      f: -0,
      g: NaN,
      h: -Infinity,
    };
    assert.deepStrictEqual(roundTrip(values), values);
  });

  it('returns ObjectIds of the class that Realm takes', () => {
    const _id = new ObjectId();
    const { _id: back } = roundTrip({ _id }) as { _id: ObjectId };
    assert.ok(back instanceof ObjectId);
    assert.equal(back.toHexString(), _id.toHexString());
  });

  it('returns ArrayBuffers and views of a part of a buffer as their bytes', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4);
    assert.deepStrictEqual(roundTrip({ a: bytes.buffer, b: bytes.subarray(1, 3) }), {
      a: bytes,
      b: Uint8Array.of(2, 3),
    });
  });

  it('leaves undefined out', () => {
    assert.deepStrictEqual(roundTrip({ a: undefined, b: 1 }), { b: 1 });
  });

  it('refuses values that Realm refuses', () => {
    assert.throws(() => encodePayload({ className: 'Span', values: { a: 2n ** 63n } }), TypeError);
    assert.throws(() => encodePayload({ className: 'Span', values: { a: Symbol('x') } }), TypeError);
    assert.throws(() => encodePayload({ className: 'Span', values: { a: new Date(0) } }), TypeError);
    assert.throws(
      () => encodePayload({ className: 'Span', values: { a: 'x'.repeat(MAX_PAYLOAD_BYTES) } }),
      RangeError,
    );
  });

  it('refuses bytes that it did not make', () => {
    assert.throws(() => decodePayload(new ArrayBuffer(0), ObjectId));
    const other = encodePayload({ className: 'Span', values: {} });
    for (let length = 0; length < other.length; length += 1) {
      assert.throws(() => decodePayload(other.slice(0, length).buffer, ObjectId));
    }
  });
});
