import assert from 'node:assert/strict';
import { Decimal128 } from 'bson';
import type { RealmObject, RealmPrimaryKey, RealmValue } from '../../src/changeset/realm-value.js';
import type { Document } from '../../src/store/document.js';
import { createDocumentMapper } from '../../src/telemetry/document-mapper.js';
import { plain } from '../support/plain-document.js';

const mapper = createDocumentMapper({ admittedClasses: ['Reading'] });
const idBytes = Buffer.from('65aa00112233445566778899', 'hex');
const id: RealmPrimaryKey = { type: 'objectId', value: idBytes };

const int = (value: bigint | number): RealmValue => ({ type: 'int', value: BigInt(value) });
const string = (value: string): RealmValue => ({ type: 'string', value });
const double = (value: number): RealmValue => ({ type: 'double', value });
const nil: RealmValue = { type: 'null' };
const list = (...values: RealmValue[]): RealmValue => ({ type: 'list', values });
const dictionary = (entries: Record<string, RealmValue>): RealmValue => ({
  type: 'dictionary',
  entries: new Map(Object.entries(entries)),
});
const object = (properties: Record<string, RealmValue>): RealmValue => ({
  type: 'object',
  properties: new Map(Object.entries(properties)),
});
const timestamp = (seconds: bigint, nanoseconds = 0): RealmValue => ({
  type: 'timestamp',
  seconds,
  nanoseconds,
});

function objectOf(
  className: string,
  properties: Record<string, RealmValue> | [string, RealmValue][],
): RealmObject {
  const entries = Array.isArray(properties) ? properties : Object.entries(properties);
  return { className, primaryKey: id, properties: new Map(entries), place: 0 };
}

function documentOf(className: string, properties: Parameters<typeof objectOf>[1]): Document {
  const result = mapper.toDocument(objectOf(className, properties));
  assert.ok('document' in result, 'detail' in result ? result.detail : '');
  assert.equal(result.collection, className);
  return result.document;
}

/** The document without `_id`. */
function fieldsOf(className: string, properties: Parameters<typeof objectOf>[1]): unknown {
  const { _id, ...fields } = plain(documentOf(className, properties)) as Record<string, unknown>;
  assert.equal(_id, 'objectId(65aa00112233445566778899)');
  return fields;
}

describe('Objects of an admitted class', () => {
  it('are stored unchanged, with every Realm type', () => {
    const decimal = Decimal128.fromString('-12.345');
    assert.deepEqual(
      fieldsOf('Reading', {
        int: int(1),
        long: int(2n ** 63n - 1n),
        bool: { type: 'bool', value: false },
        string: string(''),
        binary: { type: 'binary', value: Uint8Array.of(0, 255) },
        date: timestamp(1_700_000_000n, 123_999_999),
        float: { type: 'float', value: 1.5 },
        double: double(1),
        minusZero: double(-0),
        nan: double(NaN),
        decimal: { type: 'decimal128', value: decimal.bytes },
        objectId: id,
        uuid: { type: 'uuid', value: new Uint8Array(16).fill(7) },
        link: { type: 'link', className: 'Other', primaryKey: { type: 'int', value: 7n } },
        nothing: nil,
        list: list(int(1), nil, list()),
        set: { type: 'set', values: [double(2)] },
        dictionary: dictionary({ 'a%2Eb': int(1), '%24c': nil }),
        embedded: object({ inner: object({ x: double(3) }) }),
        'name.with.dots': int(0),
      }),
      {
        int: 1n,
        long: 9_223_372_036_854_775_807n,
        bool: false,
        string: '',
        binary: 'binary(0, 00ff)',
        date: new Date(1_700_000_000_123),
        float: 'double(1.5)',
        double: 'double(1)',
        minusZero: 'double(-0)',
        nan: 'double(NaN)',
        decimal: 'decimal128(-12.345)',
        objectId: 'objectId(65aa00112233445566778899)',
        uuid: `binary(4, ${'07'.repeat(16)})`,
        link: 7n,
        nothing: null,
        list: [1n, null, []],
        set: ['double(2)'],
        dictionary: { 'a%2Eb': 1n, '%24c': null },
        embedded: { inner: { x: 'double(3)' } },
        'name.with.dots': 0n,
      },
    );
  });

  it('have _id first, of any type', () => {
    for (const [primaryKey, expected] of [
      [{ type: 'null' }, null],
      [{ type: 'int', value: -1n }, -1n],
      [{ type: 'string', value: '' }, ''],
      [{ type: 'uuid', value: new Uint8Array(16) }, `binary(4, ${'00'.repeat(16)})`],
    ] as const) {
      const result = mapper.toDocument({ ...objectOf('Reading', { a: nil }), primaryKey });
      assert.ok('document' in result);
      assert.deepEqual(Object.entries(plain(result.document) as object), [
        ['_id', expected],
        ['a', null],
      ]);
    }
  });

  it('own their bytes', () => {
    const bytes = Uint8Array.of(1, 2);
    const document = documentOf('Reading', { b: { type: 'binary', value: bytes } });
    bytes[0] = 9;
    assert.deepEqual(plain(document.b), 'binary(0, 0102)');
  });

  it('cannot write the server’s field or _id, and lose no values', () => {
    assert.deepEqual(
      fieldsOf('Reading', [
        ['ingest', int(1)],
        ['_id', int(2)],
        ['%69ngest', int(3)],
        ['%5Fid', int(4)],
        ['__proto__', int(5)],
      ]),
      JSON.parse('{"%69ngest":1,"%5Fid":2,"%2569ngest":3,"%255Fid":4,"__proto__":5}', (_, value: unknown) =>
        typeof value === 'number' ? BigInt(value) : value,
      ),
    );
  });

  for (const [what, seconds, nanoseconds, millis] of [
    ['after 1970, down', 1n, 999_999_999, 1999],
    ['before 1970, down as well', -1n, -500_000_001, -1501],
    ['a whole millisecond before 1970', -1n, -500_000_000, -1500],
    ['one nanosecond before 1970', 0n, -1, -1],
    ['the last that a Date can hold', 8_640_000_000_000n, 999_999, 8.64e15],
    ['the first that a Date can hold', -8_640_000_000_000n, 0, -8.64e15],
  ] as const) {
    it(`have dates in whole milliseconds: ${what}`, () => {
      assert.deepEqual(documentOf('Reading', { d: timestamp(seconds, nanoseconds) }).d, new Date(millis));
    });
  }

  for (const [what, value] of [
    ['a date too late', timestamp(8_640_000_000_000n, 1_000_000)],
    ['a date too early', timestamp(-8_640_000_000_000n, -1)],
    ['a date of all 64 bits, deep inside', list(object({ d: dictionary({ d: timestamp(2n ** 63n - 1n) }) }))],
  ] as const) {
    it(`are rejected if no document can contain them: ${what}`, () => {
      const result = mapper.toDocument(objectOf('Reading', { value }));
      assert.ok('reason' in result);
      assert.equal(result.reason, 'unstorable-value');
      assert.match(result.detail, /date/);
    });
  }

  it('are rejected, without a stack overflow, if they nest without end', () => {
    for (const wrap of [
      list,
      (value: RealmValue) => object({ value }),
      (value: RealmValue) => dictionary({ value }),
    ]) {
      let value: RealmValue = nil;
      for (let i = 0; i < 100_000; i++) value = wrap(value);
      for (const [className, name] of [
        ['Reading', 'v'],
        ['LogRecord', 'body'],
        ['Span', 'unknown'],
        ['Span', 'scope'],
      ] as const) {
        const result = mapper.toDocument(objectOf(className, { [name]: value }));
        assert.equal('reason' in result && result.reason, 'too-deep');
      }
    }
  });
});

describe('Classes', () => {
  it('that are not admitted are rejected, with their name', () => {
    for (const className of ['Other', 'SpanEvent', 'TelemetryBatch', 'AcmeSpan', '', '__proto__', 'span']) {
      const result = mapper.toDocument(objectOf(className, {}));
      assert.deepEqual(result, {
        reason: 'class-not-admitted',
        detail: `class ${JSON.stringify(className)} is neither a telemetry class nor admitted`,
      });
    }
  });

  it('with the prefix are ours, and those without it are the app’s', () => {
    const prefixed = createDocumentMapper({ classPrefix: 'Acme', admittedClasses: ['Span'] });
    const flags = { flags: int(1) };
    const ours = prefixed.toDocument(objectOf('AcmeSpan', flags));
    const theirs = prefixed.toDocument(objectOf('Span', flags));
    assert.ok('document' in ours && 'document' in theirs);
    assert.deepEqual([ours.collection, plain(ours.document.flags)], ['AcmeSpan', 'int32(1)']);
    assert.deepEqual([theirs.collection, plain(theirs.document.flags)], ['Span', 1n]);
  });
});

describe('Objects of classes whose collections have other names', () => {
  it('go there, ours and others', () => {
    const named = createDocumentMapper({
      admittedClasses: ['Reading'],
      collectionOf: (className) => `${className}s`,
    });
    for (const className of ['Span', 'LogRecord', 'Reading']) {
      const mapped = named.toDocument(objectOf(className, {}));
      assert.equal('collection' in mapped && mapped.collection, `${className}s`);
    }
  });
});

describe('Objects of our own classes', () => {
  it('have integers for integral doubles in telemetry values, and only there', () => {
    const numbers = {
      one: double(1),
      minusZero: double(-0),
      int: int(5),
      long: double(2 ** 31),
      safe: double(2 ** 53 - 1),
      unsafe: double(2 ** 53),
      big: int(2n ** 62n),
      fraction: { type: 'float', value: 0.5 } as const,
      nan: double(NaN),
    };
    assert.deepEqual(fieldsOf('Span', { attributes: dictionary(numbers), newer: double(1) }), {
      attributes: {
        one: 'int32(1)',
        minusZero: 'int32(0)',
        int: 'int32(5)',
        long: 2n ** 31n,
        safe: 2n ** 53n - 1n,
        unsafe: 'double(9007199254740992)',
        big: 2n ** 62n,
        fraction: 'double(0.5)',
        nan: 'double(NaN)',
      },
      newer: 'double(1)',
    });
  });

  it('accept collections inside mixed, with the same rules for names', () => {
    assert.deepEqual(
      fieldsOf('LogRecord', { body: dictionary({ 'a%2Eb': list(double(1), dictionary({ '%24c': nil })) }) }),
      {
        body: { a: { b: ['int32(1)', { '%24c': null }] } },
      },
    );
  });

  it('have Dates beside their nanoseconds, rounded down', () => {
    assert.deepEqual(
      fieldsOf('Span', {
        startTimeUnixNano: int(-1),
        endTimeUnixNano: int(1_999_999),
        events: list(object({ timeUnixNano: int(0) })),
      }),
      {
        startTime: new Date(-1),
        endTime: new Date(1),
        startTimeUnixNano: -1n,
        endTimeUnixNano: 1_999_999n,
        events: [{ time: new Date(0), timeUnixNano: 0n }],
      },
    );
  });

  it('have no nulls for unset fields, but a null body and null attributes', () => {
    assert.deepEqual(
      fieldsOf('LogRecord', {
        ...{
          timeUnixNano: nil,
          traceId: nil,
          severityNumber: nil,
          attributesJson: nil,
          bodyJson: nil,
          resource: nil,
        },
        ...{ scope: nil, body: nil, attributes: dictionary({ nothing: nil }) },
      }),
      { body: null, attributes: { nothing: null } },
    );
  });

  it('keep properties of a newer exporter, at every level', () => {
    assert.deepEqual(
      fieldsOf('Span', {
        name: string('op'),
        newText: string('x'),
        newMap: dictionary({ 'a%2Eb': double(1) }),
        events: list(object({ name: string('e'), newCount: int(1) })),
        scope: object({ name: string('s'), newFlag: { type: 'bool', value: true } }),
      }),
      {
        name: 'op',
        events: [{ name: 'e', newCount: 1n }],
        scope: { name: 's', newFlag: true },
        newText: 'x',
        newMap: { 'a%2Eb': 'double(1)' },
      },
    );
  });

  it('keep properties of another type, under their own name', () => {
    assert.deepEqual(
      fieldsOf('Span', {
        traceId: int(1),
        flags: int(2n ** 40n),
        startTimeUnixNano: timestamp(1n),
        statusCode: dictionary({ a: int(1) }),
        attributes: string('text'),
        attributesJson: string('{"a":[]}'),
        events: object({ name: int(1) }),
        links: list(nil, int(1), object({})),
        droppedLinksCount: double(1),
        resourceJson: int(1),
        scope: string('scope'),
      }),
      {
        traceId: 1n,
        flags: 2n ** 40n,
        startTimeUnixNano: new Date(1000),
        statusCode: { a: 1n },
        attributes: 'text',
        attributesJson: '{"a":[]}',
        events: { name: 1n },
        links: [null, 1n, {}],
        droppedLinksCount: 'double(1)',
        resourceJson: 1n,
        scope: 'scope',
      },
    );
  });

  it('cannot write fields that the server computes', () => {
    assert.deepEqual(
      fieldsOf('Span', {
        startTime: int(1),
        startTimeUnixNano: int(2_000_000),
        ingest: int(3),
        events: list(object({ time: int(4), ingest: int(5) })),
      }),
      {
        startTime: new Date(2),
        startTimeUnixNano: 2_000_000n,
        '%73tartTime': 1n,
        '%69ngest': 3n,
        events: [{ '%74ime': 4n, ingest: 5n }],
      },
    );
  });

  describe('with arrays and maps as text', () => {
    it('have them among the attributes', () => {
      assert.deepEqual(
        fieldsOf('Span', {
          attributes: dictionary({ a: int(1), 'b%2Ec': string('x') }),
          attributesJson: string('{"b%2Ed":["y"],"b":{"e":{"$numberInt":"1"}}}'),
          resourceJson: string('{"r":[]}'),
        }),
        {
          attributes: { a: 'int32(1)', b: { c: 'x', d: ['y'], _value: { e: 'int32(1)' } } },
          resource: { r: [] },
        },
      );
    });

    it('have them as the body', () => {
      assert.deepEqual(fieldsOf('LogRecord', { bodyJson: string('[{"$numberInt":"1"}]') }), {
        body: ['int32(1)'],
      });
      assert.deepEqual(fieldsOf('LogRecord', { body: nil, bodyJson: string('{}') }), { body: {} });
    });

    it('keep a text that our exporters never write under its own name', () => {
      const text = '{"a":{"$date":"2020-01-01T00:00:00Z"}}';
      assert.deepEqual(
        fieldsOf('LogRecord', {
          bodyJson: string(text),
          attributes: dictionary({ b: int(1) }),
          attributesJson: string(text),
          resourceJson: string('{"a":'),
          scope: object({ attributesJson: string('{}') }),
        }),
        {
          bodyJson: text,
          attributes: { b: 'int32(1)' },
          attributesJson: text,
          resourceJson: '{"a":',
          scope: { attributesJson: '{}' },
        },
      );
    });

    it('keep both values of a name', () => {
      assert.deepEqual(
        fieldsOf('LogRecord', {
          body: string('x'),
          bodyJson: string('[]'),
          attributes: dictionary({ a: int(1) }),
          attributesJson: string('{"a":[]}'),
        }),
        { body: 'x', bodyJson: '[]', attributes: { a: 'int32(1)' }, attributesJson: '{"a":[]}' },
      );
    });
  });

  it('keep both of two keys with the same name', () => {
    assert.deepEqual(fieldsOf('Span', { attributes: dictionary({ 'a%25': int(1), 'a%': int(2) }) }), {
      attributes: { 'a%25': 'int32(1)', '%2561%25': 'int32(2)' },
    });
  });

  it('omit empty values', () => {
    assert.deepEqual(fieldsOf('Span', { attributes: dictionary({}), resource: dictionary({}) }), {});
  });
});
