import assert from 'node:assert/strict';
import { Binary, Decimal128, Double, EJSON, Int32, Long, ObjectId, UUID } from 'bson';
import { toExtendedJson } from '../../src/cli/extended-json.js';
import type { Document, DocumentValue } from '../../src/store/document.js';

function map(fields: Record<string, DocumentValue>): Document {
  return Object.assign(Object.create(null) as Document, fields);
}

describe('toExtendedJson', () => {
  const cases: readonly [string, DocumentValue, string][] = [
    ['null', null, 'null'],
    ['a boolean', true, 'true'],
    ['a string', 'a"\n\u2028', '"a\\"\\n\u2028"'],
    ['Int32', new Int32(-1), '{"$numberInt":"-1"}'],
    ['Int64, exact', 2n ** 63n - 1n, '{"$numberLong":"9223372036854775807"}'],
    ['a double without a fraction', new Double(1), '{"$numberDouble":"1.0"}'],
    ['NaN', new Double(NaN), '{"$numberDouble":"NaN"}'],
    ['-Infinity', new Double(-Infinity), '{"$numberDouble":"-Infinity"}'],
    ['-0', new Double(-0), '{"$numberDouble":"-0.0"}'],
    ['Decimal128', Decimal128.fromString('1.50'), '{"$numberDecimal":"1.50"}'],
    ['ObjectId', new ObjectId('65aa00112233445566778899'), '{"$oid":"65aa00112233445566778899"}'],
    ['a date', new Date(1_700_000_000_123), '{"$date":{"$numberLong":"1700000000123"}}'],
    ['a date before 1970', new Date(-1), '{"$date":{"$numberLong":"-1"}}'],
    ['bytes', new Binary(Uint8Array.of(1, 2)), '{"$binary":{"base64":"AQI=","subType":"00"}}'],
    [
      'a UUID',
      new UUID('00112233-4455-6677-8899-aabbccddeeff'),
      '{"$binary":{"base64":"ABEiM0RVZneImaq7zN3u/w==","subType":"04"}}',
    ],
    ['a list', [new Int32(1), [], map({})], '[{"$numberInt":"1"},[],{}]'],
    ['a map', map({ a: null, 'b c': 'x' }), '{"a":null,"b c":"x"}'],
    [
      'a map that looks like a value of BSON',
      map({ _bsontype: 'ObjectId', toBSON: 'x' }),
      '{"_bsontype":"ObjectId","toBSON":"x"}',
    ],
  ];
  for (const [description, value, expected] of cases) {
    it(`writes ${description}`, () => {
      assert.equal(toExtendedJson(value), expected);
    });
  }

  it('writes __proto__ as an ordinary name', () => {
    const document = map({});
    Object.defineProperty(document, '__proto__', { value: 'x', enumerable: true });
    assert.equal(toExtendedJson(document), '{"__proto__":"x"}');
  });

  it('is read by other parsers with every type', () => {
    const document = map({ n: new Int32(1), l: 1n, d: new Double(1), list: [map({ x: 2n })] });
    const parsed = EJSON.parse(toExtendedJson(document), { relaxed: false }) as Record<string, unknown>;
    assert.ok(parsed.n instanceof Int32 && parsed.l instanceof Long && parsed.d instanceof Double);
  });
});
