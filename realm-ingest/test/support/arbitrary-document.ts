import { Binary, Decimal128, Double, Int32, ObjectId } from 'bson';
import fc from 'fast-check';
import type { Document, DocumentValue } from '../../src/store/document.js';

const names = fc.oneof(
  fc.string(),
  fc.constantFrom(
    ...['$date', '$$date', '$', '$numberLong', '$oid', '_id', '__proto__', 'constructor', '_bsontype', ''],
    ...['startTime', 'time', 'timeUnixNano', 'durationNano', 'events', 'ingest', 'receivedAt', '0', 'é'],
  ),
);

const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    '2026-01-01T00:00:00.000Z',
    '2026-02-30T00:00:00.000Z',
    '\0',
    '\\"',
    '{"$date":0}',
    '5',
  ),
);

const int64s = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, 1n, -1n, 2n ** 31n - 1n, 2n ** 31n, -(2n ** 31n), -(2n ** 63n), 2n ** 63n - 1n),
);

const doubles = fc.oneof(
  fc.double(),
  fc.constantFrom(0, -0, 1, -1, 1e21, 1e-7, 5e-324, 2 ** 53, Number.NaN, Infinity, -Infinity),
);

const bytes = (constraints: fc.IntArrayConstraints) => fc.uint8Array(constraints);

const leaves: fc.Arbitrary<DocumentValue> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  texts,
  int64s,
  fc.integer().map((value) => new Int32(value)),
  doubles.map((value) => new Double(value)),
  fc.oneof(
    bytes({ minLength: 16, maxLength: 16 }).map((value) => new Decimal128(value)),
    fc
      .constantFrom('1', '1.0', '-0', '0E+3', '1E+6111', '-1.5E-30', 'NaN', 'Infinity', '-Infinity')
      .map((text) => Decimal128.fromString(text)),
  ),
  bytes({ minLength: 12, maxLength: 12 }).map((value) => new ObjectId(value)),
  bytes({ minLength: 16, maxLength: 16 }).map((value) => new Binary(value, Binary.SUBTYPE_UUID)),
  fc
    .tuple(bytes({ maxLength: 20 }), fc.constantFrom(0, 2, 4, 5, 9, 128, 255))
    .map(([value, subtype]) => new Binary(value, subtype)),
  fc.date({ noInvalidDate: true }),
  fc.constantFrom(0, -1, 253402300799999, 253402300800000, -62167219200001).map((millis) => new Date(millis)),
);

function documentOf(values: fc.Arbitrary<DocumentValue>): fc.Arbitrary<Document> {
  return fc.array(fc.tuple(names, values), { maxLength: 6 }).map((fields) => {
    const map = Object.create(null) as Document;
    for (const [name, value] of fields) map[name] = value;
    return map;
  });
}

/** Any value that a document may hold, nested a few levels deep. */
export const arbitraryValue: fc.Arbitrary<DocumentValue> = fc.letrec<{ value: DocumentValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaves,
    fc.array(tie('value'), { maxLength: 4 }),
    documentOf(tie('value')),
  ),
})).value;

/** Any document without an `_id`, hostile names and values in hostile places included. */
export const arbitraryDocument: fc.Arbitrary<Document> = documentOf(arbitraryValue);
