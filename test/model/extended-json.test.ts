import assert from 'node:assert/strict';
import { Binary, Double, EJSON, Int32, Long } from 'bson';
import fc from 'fast-check';
import { collectionToExtendedJson } from '../../src/model/extended-json.js';
import { bigintToExtendedJson, numberToExtendedJson } from '../../src/wire/extended-json-number.js';
import { maxValueElements, RecordContext, ValueTooLargeError } from '../../src/model/record-context.js';
import { ListValue, MapValue, readValue } from '../../src/model/telemetry-value.js';

/** A collection's text, and the notes. */
function write(value: unknown): { text: string; notes: readonly string[] } {
  const context = new RecordContext();
  context.enter('attributes', 'a');
  const read = readValue(value, context);
  assert.ok(read instanceof ListValue || read instanceof MapValue);
  return { text: collectionToExtendedJson(read, context), notes: context.notes };
}

function nested(levels: number): unknown {
  let value: unknown = [];
  for (let i = 1; i < levels; i++) value = i % 2 ? { a: value } : [value];
  return value;
}

describe('Arrays and maps as Extended JSON', () => {
  for (const [what, value, text] of [
    ['nothing', [], '[]'],
    ['an empty map', {}, '{}'],
    ['scalars', ['a"\n', true, false, null], '["a\\"\\n",true,false,null]'],
    ['undefined and holes, as null', [undefined, , 1], '[null,null,{"$numberInt":"1"}]'], // eslint-disable-line no-sparse-arrays -- the case itself
    ['undefined in a map, as null', { a: undefined }, '{"a":null}'],
    ['32 bits', [2147483647, -2147483648], '[{"$numberInt":"2147483647"},{"$numberInt":"-2147483648"}]'],
    [
      '53 bits',
      [2147483648, -9007199254740991],
      '[{"$numberLong":"2147483648"},{"$numberLong":"-9007199254740991"}]',
    ],
    ['beyond 53 bits', [9007199254740992], '[{"$numberDouble":"9007199254740992.0"}]'],
    ['minus zero', [-0], '[{"$numberInt":"0"}]'],
    [
      'fractions',
      [1.5, 5e-324, 1e300],
      '[{"$numberDouble":"1.5"},{"$numberDouble":"5e-324"},{"$numberDouble":"1e+300"}]',
    ],
    [
      'NaN and infinities',
      [NaN, Infinity, -Infinity],
      '[{"$numberDouble":"NaN"},{"$numberDouble":"Infinity"},{"$numberDouble":"-Infinity"}]',
    ],
    [
      'bigints',
      [1n, 2n ** 63n - 1n, 2n ** 63n],
      '[{"$numberInt":"1"},{"$numberLong":"9223372036854775807"},"9223372036854775808"]',
    ],
    ['bytes', [Uint8Array.of(251, 255, 0, 1)], '[{"$binary":{"base64":"+/8AAQ==","subType":"00"}}]'],
    ["a user's $date and dots", { $date: { 'a.b': [] } }, '{"%24date":{"a%2Eb":[]}}'],
    ['__proto__', JSON.parse('{"__proto__":[]}'), '{"__proto__":[]}'],
    [
      'a Map',
      new Map<unknown, unknown>([
        ['b', 1],
        [1, null],
      ]),
      '{"b":{"$numberInt":"1"},"1":null}',
    ],
    ['a Date', [new Date(-1)], '["1969-12-31T23:59:59.999Z"]'],
    ['lone surrogates', ['a\uD800', { '\uDC00': 0 }], '["a\uFFFD",{"%uDC00":{"$numberInt":"0"}}]'],
  ] as const) {
    it(what, () => {
      assert.deepEqual(write(value), { text, notes: [] });
    });
  }

  it('an error, with its name, message and stack', () => {
    const error = new RangeError('too far');
    assert.deepEqual(JSON.parse(write([error]).text), [
      { name: 'RangeError', message: 'too far', stack: error.stack },
    ]);
  });

  it("agrees with js-bson's canonical Extended JSON on every number", () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        assert.equal(
          numberToExtendedJson(value),
          EJSON.stringify(
            !Number.isSafeInteger(value)
              ? new Double(value)
              : value === (value | 0)
                ? new Int32(value)
                : Long.fromNumber(value),
            { relaxed: false },
          ),
        );
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        assert.equal(
          bigintToExtendedJson(value),
          EJSON.stringify(
            BigInt.asIntN(32, value) === value ? new Int32(Number(value)) : Long.fromBigInt(value),
            { relaxed: false },
          ),
        );
      }),
    );
  });

  it("agrees with js-bson's canonical Extended JSON on every byte array", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        assert.equal(write([bytes]).text, EJSON.stringify([new Binary(bytes)], { relaxed: false }));
      }),
    );
  });

  it('goes 64 levels deep; deeper values become text with a note', () => {
    assert.deepEqual(write(nested(64)).notes, []);
    const { text, notes } = write([nested(64)]);
    assert.ok(text.includes('""'), 'the innermost, an empty array, as String() has it');
    assert.deepEqual(notes, ['attributes["a"]: more than 64 levels deep, stored as text']);
  });

  it('writes what contains itself as text, and what merely occurs twice as it is', () => {
    const circular: Record<string, unknown> = { b: 1 };
    circular.a = [circular];
    assert.deepEqual(write(circular), {
      text: '{"b":{"$numberInt":"1"},"a":["[object Object]"]}',
      notes: ['attributes["a"]: circular, stored as text'],
    });
    const shared = { x: null };
    assert.deepEqual(write([shared, shared]), { text: '[{"x":null},{"x":null}]', notes: [] });
  });

  it('costs no more than what throws in it', () => {
    const hostile = {
      before: 1,
      get thrown(): unknown {
        throw new Error('no');
      },
      list: new Proxy([1, 2], {
        get(target, key): unknown {
          if (key === '0') throw new Error('no');
          return Reflect.get(target, key);
        },
      }),
      after: 2,
    };
    const { text, notes } = write(hostile);
    assert.equal(
      text,
      '{"before":{"$numberInt":"1"},"list":[null,{"$numberInt":"2"}],"after":{"$numberInt":"2"}}',
    );
    assert.equal(notes.length, 2);
  });

  it('ends early if it cannot fit into a document', () => {
    const sparse: unknown[] = [];
    sparse.length = 2 ** 32 - 1;
    assert.throws(() => write(sparse), ValueTooLargeError);
    let laughs: unknown = ['ha'.repeat(500)];
    for (let i = 0; i < 40; i++) laughs = [laughs, laughs];
    assert.throws(() => write(laughs), ValueTooLargeError);
  });

  it('ends early if it contains the same parts exponentially often', () => {
    let reads = 0;
    let part: unknown = {
      get leaf() {
        reads += 1;
        return 1;
      },
    };
    for (let i = 0; i < 60; i++) part = { a: part, b: part };
    assert.throws(() => write(part), { message: `has more than ${maxValueElements} elements` });
    assert.ok(reads <= maxValueElements, `${reads} reads`);
  });

  it('takes as many elements as are allowed in all, and counts anew for each value', () => {
    const half = Array.from({ length: maxValueElements / 2 - 1 }, () => 1);
    write([half, half]);
    assert.throws(() => write([half, half, 1]), ValueTooLargeError);
    const context = new RecordContext();
    for (const name of ['one', 'two', 'three']) {
      context.enter('attributes', name);
      context.spendElements(maxValueElements, 8);
    }
  });
});
