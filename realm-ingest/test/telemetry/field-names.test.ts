import assert from 'node:assert/strict';
import { BSON } from 'bson';
import fc from 'fast-check';
import { nestNames } from '../../src/telemetry/field-names.js';
import { decodeFields } from '../support/decode-fields.js';
import { plain } from '../support/plain-document.js';

/** Names in the given order, each with its index as the value. */
function nest(...names: string[]): unknown {
  return plain(nestNames(names.map((name, place) => [name, BigInt(place)])));
}

const segments = (count: number) => Array.from({ length: count }, (_, i) => `s${i}`);

describe('Field names', () => {
  it('nest at dots', () => {
    assert.deepEqual(nest('http.request.method', 'http.route', 'name'), {
      http: { request: { method: 0n }, route: 1n },
      name: 2n,
    });
  });

  describe('if one is a prefix of another', () => {
    it('keep the shorter one in _value, in any order', () => {
      assert.deepEqual(nest('a', 'a.b'), { a: { _value: 0n, b: 1n } });
      assert.deepEqual(nest('a.b', 'a'), { a: { b: 0n, _value: 1n } });
      assert.deepEqual(nest('a.b.c', 'a', 'a.b'), { a: { b: { c: 0n, _value: 2n }, _value: 1n } });
    });

    it('keep a map in _value too, and never write into it', () => {
      const map = nestNames([['x', 1n]]);
      assert.deepEqual(
        plain(
          nestNames([
            ['a', map],
            ['a.b', 2n],
          ]),
        ),
        { a: { _value: { x: 1n }, b: 2n } },
      );
      assert.deepEqual(
        plain(
          nestNames([
            ['a.x', 2n],
            ['a', map],
          ]),
        ),
        { a: { x: 2n, _value: { x: 1n } } },
      );
      assert.deepEqual(
        plain(
          nestNames([
            ['a', nestNames([])],
            ['a.b', null],
          ]),
        ),
        { a: { _value: {}, b: null } },
      );
    });

    it('compare encoded names: `a.` is a name within `a`', () => {
      assert.deepEqual(nest('a', 'a.'), { a: { _value: 0n, '%': 1n } });
      assert.deepEqual(nest('', '.'), { '%': { _value: 0n, '%': 1n } });
    });
  });

  for (const [name, fields] of [
    ['', ['%']],
    ['.', ['%', '%']],
    ['a..b', ['a', '%', 'b']],
    ['_value', ['%5Fvalue']],
    ['a._value', ['a', '%5Fvalue']],
    ['_values', ['_values']],
    ['__proto__', ['%5F%5Fproto__']],
    ['__proto__.polluted', ['%5F%5Fproto__', 'polluted']],
    ['constructor.prototype.polluted', ['constructor', 'prototype', 'polluted']],
    ['$date', ['%24date']],
    ['a.$b$', ['a', '%24b$']],
    ['a\0b', ['a%00b']],
    ['x\uD800', ['x%uD800']],
    ['\uDFFF.\uDC00', ['%uDFFF', '%uDC00']],
    ['😀', ['😀']],
    ['%', ['%25']],
    ['%24date', ['%2524date']],
    ['%uD800', ['%25uD800']],
  ] as const) {
    it(`write ${JSON.stringify(name)} as ${JSON.stringify(fields.join(' / '))}`, () => {
      const expected = fields.reduceRight<unknown>((inner, field) => ({ [field]: inner }), 0n);
      assert.deepEqual(nest(name), expected);
      assert.equal(({} as Record<string, unknown>).polluted, undefined);
    });
  }

  it('nest up to 32 segments; the rest is one segment', () => {
    const path = (name: string): string[] => {
      const fields: string[] = [];
      let at: unknown = nest(name);
      while (typeof at === 'object' && at !== null) {
        const [[field, inner]] = Object.entries(at) as [[string, unknown]];
        fields.push(field);
        at = inner;
      }
      return fields;
    };
    assert.deepEqual(path(segments(32).join('.')), segments(32));
    assert.deepEqual(path(segments(33).join('.')), [...segments(31), 's31%2Es32']);
    assert.deepEqual(path([...segments(31), '$a', '', '%2E', '_value', '\0'].join('.')), [
      ...segments(31),
      '%24a%2E%2E%252E%2E_value%2E%00',
    ]);
    assert.deepEqual(path([...segments(31), '__proto__'].join('.')), [...segments(31), '%5F%5Fproto__']);
    assert.equal(path('.'.repeat(100_000)).length, 32);
  });

  it('stay right when the cache is full', () => {
    for (let i = 0; i < 6000; i++) assert.deepEqual(nest(`made.up${i}`), { made: { [`up${i}`]: 0n } });
  });

  it('are reversible, no two share a field, and no value is lost', () => {
    const segment = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom('a', 'b', '') },
      fc.constantFrom(
        '_value',
        '__proto__',
        '$date',
        '%',
        '%24',
        '%2E',
        '\0',
        '\uD800',
        '\uDC00',
        '😀',
        'constructor',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
      fc.string({ unit: fc.constantFrom('%', '2', 'E', '$', '_', 'u', 'D', '8', '0', '\uD83D', '\uDE00') }),
    );
    const name = fc.oneof(
      fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.')),
      fc.array(segment, { minLength: 30, maxLength: 40 }).map((parts) => parts.join('.')),
      fc.constantFrom(31, 32, 33, 34).map((count) => segments(count).join('.')),
      fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
    );
    fc.assert(
      fc.property(fc.uniqueArray(name, { maxLength: 12 }), (names) => {
        const document = nestNames(names.map((each, place) => [each, BigInt(place)]));
        const decoded = decodeFields(document);
        assert.equal(decoded.size, names.length);
        names.forEach((each, place) => {
          assert.equal(decoded.get(each), BigInt(place), JSON.stringify(each));
        });
        assertStorable(document);
      }),
      { numRuns: 500 },
    );
  });
});

/** BSON restores the names: none has NUL or a lone surrogate, or makes a map look like a BSON value. */
function assertStorable(document: object): void {
  const back = BSON.deserialize(BSON.serialize(document), { useBigInt64: true });
  assert.deepEqual(back, plain(document as never));
}
