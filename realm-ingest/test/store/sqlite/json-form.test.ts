import assert from 'node:assert/strict';
import { Binary, Decimal128, Double, Int32, ObjectId } from 'bson';
import fc from 'fast-check';
import Libsql from 'libsql';
import type { DocumentValue } from '../../../src/store/document.js';
import { equalDocuments } from '../../../src/store/document-equality.js';
import { decodeDocument } from '../../../src/store/sqlite/decode-document.js';
import { encodeDocument } from '../../../src/store/sqlite/encode-document.js';
import { jsonFormOf } from '../../../src/store/sqlite/json-form.js';
import { arbitraryDocument } from '../../support/arbitrary-document.js';
import { map } from '../../support/commit-request.js';

const telemetry = jsonFormOf('AcmeSpan');
const plain = jsonFormOf('Reading');
const bytes = (hex: string) => Buffer.from(hex, 'hex');

describe('documents as JSON', () => {
  let database: Libsql.Database;
  before(() => {
    database = new Libsql(':memory:');
  });
  after(() => {
    database.close();
  });

  for (const collection of ['LogRecord', 'Reading']) {
    it(`are restored from ${collection} by BSON type and bits, and are valid JSON to SQLite`, () => {
      const form = jsonFormOf(collection);
      const valid = database.prepare('SELECT json_valid(?) AS valid');
      fc.assert(
        fc.property(arbitraryDocument, (fields) => {
          // Comparisons ignore `ingest` at the top only.
          const document = map({ inner: fields, ...fields });
          const text = encodeDocument(document, form);
          const decoded = decodeDocument(text, form);
          assert.ok(equalDocuments(map({ all: decoded }), map({ all: document })), text);
          assert.deepEqual(valid.all([text]), [{ valid: 1 }], text);
        }),
        { numRuns: 200 },
      );
    });
  }

  const written: [string, typeof plain, Record<string, DocumentValue>, string][] = [
    ['counts of telemetry', telemetry, { flags: new Int32(257) }, '{"flags":257}'],
    ['small Int64s of plain classes', plain, { count: 5n }, '{"count":5}'],
    ['large integers', telemetry, { n: 2n ** 63n - 1n }, '{"n":9223372036854775807}'],
    ['nanoseconds, however few', telemetry, { durationNano: 5n }, '{"durationNano":5}'],
    ['whole doubles', telemetry, { x: new Double(1) }, '{"x":1.0}'],
    ['large doubles', telemetry, { x: new Double(1e21) }, '{"x":1e+21}'],
    ['-0', telemetry, { x: new Double(-0) }, '{"x":{"$numberDouble":"-0.0"}}'],
    ['NaN', telemetry, { x: new Double(Number.NaN) }, '{"x":{"$numberDouble":"NaN"}}'],
    ['infinity', telemetry, { x: new Double(-Infinity) }, '{"x":{"$numberDouble":"-Infinity"}}'],
    ['a small Int64 among telemetry', telemetry, { n: 5n }, '{"n":{"$numberLong":"5"}}'],
    ['an Int32 of a plain class', plain, { n: new Int32(5) }, '{"n":{"$numberInt":"5"}}'],
    ['times', telemetry, { startTime: new Date(1) }, '{"startTime":"1970-01-01T00:00:00.001Z"}'],
    [
      'times of events',
      telemetry,
      { events: [map({ time: new Date(-1), timeUnixNano: 1n })] },
      '{"events":[{"time":"1969-12-31T23:59:59.999Z","timeUnixNano":1}]}',
    ],
    [
      'when a document was received, of plain classes too',
      plain,
      { ingest: map({ receivedAt: new Date(0) }) },
      '{"ingest":{"receivedAt":"1970-01-01T00:00:00.000Z"}}',
    ],
    [
      'a string where a time would be',
      telemetry,
      { time: '1970-01-01T00:00:00.000Z' },
      '{"time":{"$string":"1970-01-01T00:00:00.000Z"}}',
    ],
    ['other dates', plain, { time: new Date(0) }, '{"time":{"$date":"1970-01-01T00:00:00.000Z"}}'],
    ['dates before 1970', plain, { time: new Date(-1) }, '{"time":{"$date":{"$numberLong":"-1"}}}'],
    ['ObjectIds', plain, { _id: new ObjectId('0'.repeat(24)) }, `{"_id":{"$oid":"${'0'.repeat(24)}"}}`],
    [
      'UUIDs',
      plain,
      { u: new Binary(bytes('00112233445566778899aabbccddeeff'), 4) },
      '{"u":{"$uuid":"00112233-4455-6677-8899-aabbccddeeff"}}',
    ],
    [
      'other binary',
      plain,
      { b: new Binary(bytes('0102'), 0x80) },
      '{"b":{"$binary":{"base64":"AQI=","subType":"80"}}}',
    ],
    ['decimals', plain, { d: Decimal128.fromString('1.50') }, '{"d":{"$numberDecimal":"1.50"}}'],
    ['names that begin with $', plain, { $date: '0', $$x: null }, '{"$$date":"0","$$$x":null}'],
    ['a field __proto__', plain, { ['__proto__']: 1n }, '{"__proto__":1}'],
  ];
  for (const [description, form, fields, json] of written) {
    it(`writes ${description}`, () => {
      const document = map({});
      for (const [name, value] of Object.entries(fields)) document[name] = value;
      assert.equal(encodeDocument(document, form), json);
      assert.ok(equalDocuments(map({ all: decodeDocument(json, form) }), map({ all: document })));
    });
  }

  for (const [what, hex] of [
    ['a NaN with a payload', '0100000000000000000000000000007c'],
    ['35 digits, which its text could not hold exactly', 'ffffffffffffffffffffffffffff2d30'],
    ['a coefficient beyond 34 digits, which is written as 0', 'ffffffffffffffffffffffffffff4130'],
  ] as const) {
    it(`keeps a decimal whose text does not restore its bits: ${what}`, () => {
      const decimal = new Decimal128(bytes(hex));
      const json = encodeDocument(map({ d: decimal }), plain);
      assert.equal(json, `{"d":{"$decimal128":"${hex}"}}`);
      assert.deepEqual(Buffer.from((decodeDocument(json, plain).d as Decimal128).bytes), decimal.bytes);
    });
  }

  it('writes integers and doubles that SQLite reads as such', () => {
    const json = encodeDocument(map({ i: -(2n ** 63n), d: new Double(2 ** 53) }), telemetry);
    const row = database
      .prepare("SELECT ?1 ->> '$.i' AS i, typeof(?1 ->> '$.i') AS t, typeof(?1 ->> '$.d') AS d")
      .safeIntegers(true)
      .all([json]);
    assert.deepEqual(row, [{ i: -(2n ** 63n), t: 'integer', d: 'real' }]);
  });

  it('reads JSON that a person or SQLite wrote', () => {
    const decoded = decodeDocument(' { "a" : [ 1 , 2.50 ] ,\n "b" : "\\u00e9" } ', telemetry);
    assert.ok(equalDocuments(decoded, map({ a: [new Int32(1), new Double(2.5)], b: 'é' })));
  });

  for (const text of [
    ...['', '[]', '5', '{"a":1', '{"a":01}', '{"a":1}}', '{"a":9223372036854775808}', '{"a" 1}', '{a:1}'],
    ...[
      '{"$date":"x"}',
      '{"a":{"$oid":5}}',
      '{"a":{"$unknown":"x"}}',
      '{"a":{"$oid":"", "b":1}}',
      '{"a":"x}',
    ],
    ...[
      '{"a":{"$oid":"12"}}',
      '{"a":{"$numberLong":"x"}}',
      '{"a":{"$date":"x"}}',
      '{"a":{"$numberDouble":"x"}}',
    ],
  ]) {
    it(`refuses ${text || 'an empty text'}`, () => {
      assert.throws(() => decodeDocument(text, telemetry), /SyntaxError|BSONError/);
    });
  }

  it('refuses to write a value that no document has', () => {
    for (const value of [1, undefined, Symbol('x'), new Date(Number.NaN), 2n ** 64n, new Map()]) {
      assert.throws(() => encodeDocument(map({ value: value as DocumentValue }), plain), TypeError);
    }
  });
});
