import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseAttributesJson, parseBodyJson } from '../../src/telemetry/extended-json-parser.js';
import { collectionToExtendedJson } from '../../../src/model/extended-json.js';
import { RecordContext } from '../../../src/model/record-context.js';
import { ListValue, MapValue, readValue } from '../../../src/model/telemetry-value.js';
import { plain } from '../support/plain-document.js';

function write(value: unknown): string {
  const context = new RecordContext();
  const read = readValue(value, context);
  assert.ok(read instanceof ListValue || read instanceof MapValue);
  return collectionToExtendedJson(read, context);
}

/** The document value of an app's value, by the design's rules. */
function expected(value: unknown): unknown {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) return `double(${value})`;
    return value === (value | 0) ? `int32(${value})` : BigInt(value);
  }
  if (typeof value === 'bigint') {
    if (BigInt.asIntN(64, value) !== value) return String(value);
    return BigInt.asIntN(32, value) === value ? `int32(${value})` : value;
  }
  if (value instanceof Uint8Array) return `binary(0, ${Buffer.from(value).toString('hex')})`;
  if (Array.isArray(value)) return value.map(expected);
  if (typeof value !== 'object' || value === null) return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, expected(inner)]));
}

describe('Extended JSON of our exporters', () => {
  it('restores the written values', () => {
    const scalar = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('"', '\\', '\\"', '\n\0', '{"$numberInt":"1"}'),
      fc.double(),
      fc.integer(),
      fc.maxSafeInteger(),
      fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }),
      fc.boolean(),
      fc.constantFrom(null, undefined),
      fc.uint8Array(),
    );
    const { collection } = fc.letrec((tie) => ({
      collection: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.array(scalar),
        fc.array(tie('any')),
        // Names that do not nest, so that the expectation stays simple: field-names.test.ts has the others.
        fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), tie('any')),
      ),
      any: fc.oneof({ depthSize: 'small' }, scalar, tie('collection')),
    }));
    fc.assert(
      fc.property(collection, (value) => {
        assert.deepEqual(plain(parseBodyJson(write(value))), expected(value));
      }),
      { numRuns: 500 },
    );
  });

  it('has its keys decoded, and dots in them nest', () => {
    assert.deepEqual(plain(parseBodyJson(write({ 'a.b': { $c: [], '': 1 }, a: 2 }))), {
      a: { b: { '%24c': [], '%': 'int32(1)' }, _value: 'int32(2)' },
    });
    const attributes = parseAttributesJson(write({ 'a.b': [], $date: { x: 'y' } }));
    assert.deepEqual(
      [...(attributes ?? [])].map(([name, value]) => [name, plain(value)]),
      [
        ['a.b', []],
        ['$date', { x: 'y' }],
      ],
    );
  });

  it('may be 64 levels deep, below the attribute or as a body', () => {
    let deep: unknown = [];
    for (let i = 1; i < 64; i++) deep = [deep];
    assert.notEqual(parseBodyJson(write(deep)), undefined);
    assert.notEqual(parseAttributesJson(`{"a":${write(deep)}}`), undefined);
    assert.equal(parseBodyJson(`[${write(deep)}]`), undefined);
    assert.equal(parseAttributesJson(`{"a":[${write(deep)}]}`), undefined);
  });

  for (const text of [
    '',
    '[1]',
    '[1.5]',
    '[nul]',
    '[True]',
    '[undefined]',
    '[ ]',
    '[null, null]',
    ' []',
    '[]\n',
    '[][]',
    '[null',
    '[null,]',
    '[,]',
    '["a]',
    '["a\\"]',
    '["\\x"]',
    '["\n"]',
    '["\\ud800"]',
    '{"a"}',
    '{"a":}',
    '{"a":null,}',
    '{a:null}',
    '{"a":null,"a":null}',
    '{"a.b":null}',
    '{"%zz":null}',
    '{"%2e":null}',
    '{"\\ud800":null}',
    '{"$a":null}',
    '{"a":null,"$date":null}',
    '[{"$date":"2020-01-01T00:00:00Z"}]',
    '[{"$date":{"$numberLong":"0"}}]',
    '[{"$oid":"65aa00112233445566778899"}]',
    '[{"$numberDecimal":"1"}]',
    '[{"$undefined":true}]',
    '[{"$minKey":1}]',
    '[{"$regex":"a","$options":""}]',
    '[{"$regularExpression":{"pattern":"a","options":""}}]',
    '[{"$ref":"c","$id":null}]',
    '[{"$code":"1"}]',
    '[{"$uuid":"00000000-0000-0000-0000-000000000000"}]',
    '[{"$numberInt":1}]',
    '[{"$numberInt":"01"}]',
    '[{"$numberInt":"+1"}]',
    '[{"$numberInt":"-0"}]',
    '[{"$numberInt":"1.0"}]',
    '[{"$numberInt":"2147483648"}]',
    '[{"$numberInt":""}]',
    '[{"$numberInt":"1","x":null}]',
    '[{"$numberLong":"1"}]',
    '[{"$numberLong":"9223372036854775808"}]',
    '[{"$numberLong":"-9223372036854775809"}]',
    '[{"$numberLong":"99999999999999999999999999999999"}]',
    '[{"$numberDouble":"1.0"}]',
    '[{"$numberDouble":"-0.0"}]',
    '[{"$numberDouble":"1e400"}]',
    '[{"$numberDouble":"0x10"}]',
    '[{"$numberDouble":"1.50"}]',
    '[{"$numberDouble":"infinity"}]',
    '[{"$numberDouble":""}]',
    '[{"$binary":"AQ==","$type":"00"}]',
    '[{"$binary":{"base64":"AQ==","subType":"04"}}]',
    '[{"$binary":{"subType":"00","base64":"AQ=="}}]',
    '[{"$binary":{"base64":"AQ","subType":"00"}}]',
    '[{"$binary":{"base64":"AR==","subType":"00"}}]',
    '[{"$binary":{"base64":"A Q==","subType":"00"}}]',
    '[{"$binary":{"base64":"_w==","subType":"00"}}]',
    '[{"$binary":{"base64":"AQ==',
    '['.repeat(1_000_000),
    '{"a":'.repeat(1_000_000),
    `["${'\\'.repeat(1_000_001)}"]`,
  ]) {
    const shown = text.length > 60 ? `${text.slice(0, 20)}… (${text.length})` : text;
    it(`is not ${JSON.stringify(shown)}`, () => {
      assert.equal(parseBodyJson(text), undefined);
      assert.equal(parseAttributesJson(`{"ok":null,"k":${text}}`), undefined);
    });
  }

  it('is never a scalar alone', () => {
    for (const text of ['null', '"text"', '{"$numberInt":"1"}']) {
      assert.equal(parseBodyJson(text), undefined);
      assert.equal(parseAttributesJson(text), undefined);
    }
  });

  it('is a non-empty map for attributes', () => {
    assert.equal(parseAttributesJson('[]'), undefined);
    assert.equal(parseAttributesJson('{}'), undefined);
    assert.equal(parseBodyJson('{}') !== undefined, true);
  });

  it('with any cut or change parses to something else or to nothing, and never throws', () => {
    const seed = Date.now() % 1_000_000;
    const text = write({
      a: [1, -2.5, 2n ** 40n, 'é"\\', true, null, new Uint8Array([1, 2, 3])],
      'b.c': { $d: {}, e: [] },
    });
    for (let i = 0; i < text.length; i++)
      assert.equal(parseBodyJson(text.slice(0, i)), undefined, `cut at ${i}`);
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.constantFrom(...Array.from('{}[]":,$\\0e-. \0%')),
        (at, character) => {
          parseBodyJson(text.slice(0, at) + character + text.slice(at + 1));
        },
      ),
      { seed, numRuns: 500 },
    );
  });
});
