import assert from 'node:assert/strict';
import vm from 'node:vm';
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  createTraceState,
  trace,
} from '@opentelemetry/api';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { ObjectId } from 'bson';
import { InvalidOptionError } from '../../src/wire/telemetry-error.js';
import type { ReadableLogRecordLike } from '../../src/model/readable-log-record.js';
import type { ReadableSpanLike } from '../../src/model/readable-span.js';
import { createRecordMapper } from '../../src/model/record-mapper.js';
import { schemasFor } from '../../src/wire/schema.js';
import { UnmappableRecordError } from '../../src/model/unmappable-record-error.js';

const mapper = createRecordMapper({ ObjectId });
const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';
const start = [1_790_000_000, 123_456_789] as const;
const end = [1_790_000_001, 23_456_790] as const;

/** A span of no more than the SDK's types ask for. */
function bareSpan(overrides: object = {}): ReadableSpanLike {
  return {
    name: 'op',
    kind: 0,
    spanContext: () => ({ traceId, spanId, traceFlags: 1 }),
    startTime: start,
    endTime: end,
    status: { code: 0 },
    attributes: {},
    links: [],
    events: [],
    resource: { attributes: {} },
    instrumentationScope: { name: '' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
    ...overrides,
  };
}

function bareLog(overrides: object = {}): ReadableLogRecordLike {
  return {
    hrTime: start,
    hrTimeObserved: end,
    resource: { attributes: {} },
    instrumentationScope: { name: '' },
    attributes: {},
    droppedAttributesCount: 0,
    ...overrides,
  };
}

/** The values without `_id`, which is another each time. */
function valuesOf(record: { values: Readonly<Record<string, unknown>> }): Record<string, unknown> {
  const { _id, ...values } = record.values;
  assert.ok(_id instanceof ObjectId);
  return values;
}

function attributesOf(attributes: unknown): Record<string, unknown> {
  const { values, notes } = mapper.toSpan(bareSpan({ attributes }));
  return { attributes: values.attributes, json: values.attributesJson, notes };
}

describe('A span', () => {
  it('of the real SDK arrives whole', () => {
    const exporter = new InMemorySpanExporter();
    const provider = new BasicTracerProvider({
      resource: resourceFromAttributes(
        { 'service.name': 'checkout', 'process.command_args': ['node', 'app.js'] },
        { schemaUrl: 'https://opentelemetry.io/schemas/1.37.0' },
      ),
      spanProcessors: [new SimpleSpanProcessor(exporter)],
      spanLimits: {
        attributeCountLimit: 5,
        eventCountLimit: 1,
        linkCountLimit: 1,
        attributePerLinkCountLimit: 1,
      },
    });
    const tracer = provider.getTracer('instrumentation', '1.2.3', {
      schemaUrl: 'https://example.com/schema',
    });
    const parent = {
      traceId,
      spanId,
      traceFlags: TraceFlags.SAMPLED,
      isRemote: true,
      traceState: createTraceState('vendor=1,other=2'),
    };
    const span = tracer.startSpan(
      'GET /pay',
      {
        kind: SpanKind.SERVER,
        startTime: [...start],
        attributes: {
          'http.request.method': 'GET',
          n: 1,
          f: 0.5,
          b: false,
          list: ['a', null, 'b'],
          dropped: 1,
        },
        links: [
          { context: { traceId, spanId: '00f067aa0ba902b7', traceFlags: 0 } },
          { context: parent, attributes: { a: 1, b: 2 } },
        ],
      },
      trace.setSpanContext(ROOT_CONTEXT, parent),
    );
    span.addEvent('first');
    span.addEvent('second', { 'e.k': [1, 2] }, [...end]);
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'no money' });
    span.end([...end]);
    const [finished] = exporter.getFinishedSpans();
    assert.ok(finished);

    const record = mapper.toSpan(finished);

    assert.equal(record.kind, 'span');
    assert.equal(record.className, 'Span');
    assert.deepEqual(record.notes, []);
    assert.deepEqual(valuesOf(record), {
      traceId,
      spanId: finished.spanContext().spanId,
      parentSpanId: spanId,
      traceState: 'vendor=1,other=2',
      flags: 0x301,
      name: 'GET /pay',
      kind: 'SERVER',
      startTimeUnixNano: 1_790_000_000_123_456_789n,
      endTimeUnixNano: 1_790_000_001_023_456_790n,
      durationNano: 900_000_001n,
      statusCode: 'ERROR',
      statusMessage: 'no money',
      attributes: { 'http%2Erequest%2Emethod': 'GET', n: 1, f: 0.5, b: false },
      attributesJson: '{"list":["a",null,"b"]}',
      events: [
        {
          name: 'second',
          timeUnixNano: 1_790_000_001_023_456_790n,
          attributesJson: '{"e%2Ek":[{"$numberInt":"1"},{"$numberInt":"2"}]}',
        },
      ],
      links: [
        {
          traceId,
          spanId,
          traceState: 'vendor=1,other=2',
          flags: 0x301,
          attributes: { a: 1 },
          droppedAttributesCount: 1,
        },
      ],
      droppedAttributesCount: 1,
      droppedEventsCount: 1,
      droppedLinksCount: 1,
      resource: { 'service%2Ename': 'checkout' },
      resourceJson: '{"process%2Ecommand_args":["node","app.js"]}',
      resourceSchemaUrl: 'https://opentelemetry.io/schemas/1.37.0',
      scope: { name: 'instrumentation', version: '1.2.3', schemaUrl: 'https://example.com/schema' },
    });
  });

  it('with nothing in it has what a span cannot do without, and nothing else', () => {
    assert.deepEqual(valuesOf(mapper.toSpan(bareSpan({ name: '' }))), {
      traceId,
      spanId,
      flags: 0x101,
      name: '',
      kind: 'INTERNAL',
      startTimeUnixNano: 1_790_000_000_123_456_789n,
      endTimeUnixNano: 1_790_000_001_023_456_790n,
      durationNano: 900_000_001n,
      statusCode: 'UNSET',
      scope: { name: '' },
    });
  });

  it('has fields that are absent if they are empty or zero', () => {
    const { values, notes } = mapper.toSpan(
      bareSpan({
        parentSpanContext: { traceId, spanId: '', traceFlags: 0 },
        spanContext: () => ({ traceId, spanId, traceFlags: 0, traceState: { serialize: () => '' } }),
        status: { code: 1, message: '' },
        resource: { attributes: {}, schemaUrl: '' },
        instrumentationScope: {
          name: 'n',
          version: '',
          schemaUrl: '',
          attributes: {},
          droppedAttributesCount: 0,
        },
      }),
    );
    for (const field of [
      'parentSpanId',
      'traceState',
      'statusMessage',
      'resourceSchemaUrl',
      'droppedLinksCount',
    ]) {
      assert.ok(!(field in values), field);
    }
    assert.deepEqual(values.scope, { name: 'n' });
    assert.equal(values.flags, 0x100);
    assert.deepEqual(notes, []);
  });

  for (const [kind, name] of ['INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER', '5'].entries()) {
    it(`of kind ${kind} is ${name}`, () => {
      assert.equal(mapper.toSpan(bareSpan({ kind })).values.kind, name);
    });
  }

  it('of a kind or status that is no number loses that, and says so', () => {
    const { values, notes } = mapper.toSpan(bareSpan({ kind: 'SERVER', status: { code: NaN } }));
    assert.ok(!('kind' in values) && !('statusCode' in values));
    assert.deepEqual(notes, ['kind: not an integer, dropped', 'statusCode: not an integer, dropped']);
  });

  it('says in its flags whether its parent was remote, and a link whether its own context was', () => {
    const local = { traceId, spanId, traceFlags: 1 };
    const remote = { ...local, traceFlags: 0, isRemote: true };
    const flags = (parentSpanContext: unknown) => mapper.toSpan(bareSpan({ parentSpanContext })).values.flags;
    assert.equal(flags(undefined), 0x101);
    assert.equal(flags(local), 0x101);
    assert.equal(flags({ ...local, isRemote: false }), 0x101);
    assert.equal(flags(remote), 0x301);
    const { links } = mapper.toSpan(bareSpan({ links: [{ context: local }, { context: remote }] })).values;
    assert.deepEqual(links, [
      { traceId, spanId, flags: 0x101 },
      { traceId, spanId, flags: 0x300 },
    ]);
  });

  it('whose times are nonsense loses those, and says so', () => {
    const record = mapper.toSpan(
      bareSpan({
        startTime: [NaN, NaN],
        endTime: [1, 1.5],
        events: [{ name: 'e', time: [Infinity, 0] }],
      }),
    );
    for (const field of ['startTimeUnixNano', 'endTimeUnixNano', 'durationNano']) {
      assert.ok(!(field in record.values), field);
    }
    assert.deepEqual(record.values.events, [{ name: 'e' }]);
    assert.deepEqual(
      record.notes,
      ['startTimeUnixNano', 'endTimeUnixNano', 'events.timeUnixNano'].map(
        (field) => `${field}: not a time of whole nanoseconds in 64 bits, dropped`,
      ),
    );
  });

  it('has the exact difference as its duration: zero, negative, or none beyond 64 bits', () => {
    const duration = (startTime: unknown, endTime: unknown) =>
      mapper.toSpan(bareSpan({ startTime, endTime })).values.durationNano;
    assert.equal(duration(start, start), 0n);
    assert.equal(duration([2, 0], [1, 999_999_999]), -1n);
    assert.equal(duration([-9_223_372_036, 0], [9_223_372_036, 0]), undefined);
    assert.equal(duration([0, 0], [1, 0]), undefined, 'a start of zero is no start');
  });

  it('keeps an event at time zero', () => {
    const { events } = mapper.toSpan(bareSpan({ events: [{ name: '', time: [0, 0] }] })).values;
    assert.deepEqual(events, [{ name: '', timeUnixNano: 0n }]);
  });

  it('loses a link that has no context, and nothing else', () => {
    const { values, notes } = mapper.toSpan(
      bareSpan({ links: [{}, { context: { traceId, spanId, traceFlags: 1 } }] }),
    );
    assert.deepEqual(values.links, [{ traceId, spanId, flags: 0x101 }]);
    assert.deepEqual(notes, ['links: one could not be read, dropped']);
  });

  it('has texts if the app gave something else', () => {
    const { values, notes } = mapper.toSpan(
      bareSpan({ name: 7, status: { code: 2, message: new Error('no') } }),
    );
    assert.equal(values.name, '7');
    assert.equal(values.statusMessage, 'Error: no');
    assert.deepEqual(notes, [
      'name: not a string, stored as text',
      'statusMessage: not a string, stored as text',
    ]);
  });

  it('survives a trace state that throws, and counts and trace flags that are none', () => {
    const { values, notes } = mapper.toSpan(
      bareSpan({
        spanContext: () => ({
          traceId,
          spanId,
          traceFlags: undefined,
          traceState: {
            serialize() {
              throw new Error('no');
            },
          },
        }),
        droppedEventsCount: 1.5,
        droppedLinksCount: 2 ** 31,
      }),
    );
    assert.equal(values.flags, 0x100);
    assert.equal(notes.length, 4, String(notes));
    for (const field of ['traceState', 'droppedEventsCount', 'droppedLinksCount'])
      assert.ok(!(field in values));
  });

  it('that is none at all is refused with an error of our own', () => {
    for (const span of [undefined, null, 'span', {}, bareSpan({ spanContext: undefined })]) {
      assert.throws(() => mapper.toSpan(span as never), UnmappableRecordError);
    }
  });
});

describe('Attributes', () => {
  it('keep every scalar as it is, empty ones too', () => {
    const bytes = Buffer.from([0, 255]);
    const result = attributesOf({
      ...{ text: 'ä', empty: '', yes: true, no: false, nothing: null, absent: undefined },
      ...{ zero: 0, minusZero: -0, nan: NaN, infinity: -Infinity, fraction: 0.1, big: 2 ** 53 },
      ...{ long: 2n ** 63n - 1n, tooLong: 2n ** 63n, bytes, date: new Date(0), lone: '\uD800' },
    });
    assert.deepEqual(result, {
      attributes: {
        ...{ text: 'ä', empty: '', yes: true, no: false, nothing: null },
        ...{ zero: 0, minusZero: -0, nan: NaN, infinity: -Infinity, fraction: 0.1, big: 2 ** 53 },
        ...{ long: 2n ** 63n - 1n, tooLong: '9223372036854775808' },
        ...{ bytes: Uint8Array.of(0, 255), date: '1970-01-01T00:00:00.000Z', lone: '\uFFFD' },
      },
      json: undefined,
      notes: [],
    });
    bytes[0] = 7;
    assert.equal((result.attributes as { bytes: Uint8Array }).bytes[0], 0, 'a copy');
  });

  it('put arrays, maps and values stored as maps into the text beside', () => {
    const { attributes, json, notes } = attributesOf({
      list: [],
      map: {},
      frozen: Object.freeze(Object.create(null) as object),
      foreign: vm.runInNewContext('({ a: [] })') as unknown,
      'map.of': new Map([['k', 1]]),
    });
    assert.equal(attributes, undefined);
    assert.equal(
      json,
      '{"list":[],"map":{},"frozen":{},"foreign":{"a":[]},"map%2Eof":{"k":{"$numberInt":"1"}}}',
    );
    assert.deepEqual(notes, []);
  });

  it('take everything else as its text', () => {
    class Money {
      toString(): string {
        return '5 EUR';
      }
    }
    const { attributes, json } = attributesOf({
      url: new URL('https://example.com/'),
      money: new Money(),
      instance: new (class {
        field = 1;
      })(),
      symbol: Symbol('s'),
      invalid: new Date(NaN),
      floats: Float32Array.of(1, 2.5),
      boxed: Object(true) as unknown,
      regexp: /a/g,
      fn: Math.max,
    });
    assert.deepEqual(attributes, {
      url: 'https://example.com/',
      money: '5 EUR',
      instance: '[object Object]',
      symbol: 'Symbol(s)',
      invalid: 'Invalid Date',
      floats: '1,2.5',
      boxed: 'true',
      regexp: '/a/g',
      fn: String(Math.max),
    });
    assert.equal(json, undefined);
  });

  it('never throw, whatever the app puts there; only the bad value is lost', () => {
    const thrower = (): never => {
      throw new Error('hostile');
    };
    const revoked = Proxy.revocable({}, {});
    const revokedList = Proxy.revocable([], {});
    revoked.revoke();
    revokedList.revoke();
    const hostile = {
      get getter(): unknown {
        return thrower();
      },
      toString: { toString: thrower },
      toPrimitive: new (class {
        [Symbol.toPrimitive] = thrower;
      })(),
      tag: new (class {
        get [Symbol.toStringTag](): string {
          return thrower();
        }
        toString = thrower;
      })(),
      revoked: revoked.proxy,
      revokedList: revokedList.proxy,
      fakeDate: new (class {
        [Symbol.toStringTag] = 'Date';
      })(),
      fakeMap: new (class {
        [Symbol.toStringTag] = 'Map';
      })(),
      keys: new Proxy({}, { ownKeys: thrower }),
      prototype: new Proxy({}, { getPrototypeOf: thrower }),
      length: new Proxy([], { get: () => NaN }),
      error: Object.defineProperty(new Error('e'), 'message', { get: thrower }),
      detached: (() => {
        const bytes = new Uint8Array(8);
        structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
        return bytes;
      })(),
      last: 'here',
    };
    const { values, notes } = mapper.toSpan(bareSpan({ attributes: hostile }));
    const attributes = values.attributes as Record<string, unknown>;
    assert.equal(attributes.last, 'here');
    assert.equal(attributes.fakeDate, '[object Date]');
    assert.equal(attributes.fakeMap, '[object Map]');
    assert.equal(attributes.tag, '[object Object]');
    assert.ok(!('getter' in attributes) && !('length' in attributes));
    assert.ok(notes.includes('attributes["getter"]: could not be read, dropped'));
    assert.doesNotThrow(() => JSON.parse(String(values.attributesJson)) as unknown);
  });

  it('that are no map are dropped, and noted', () => {
    for (const attributes of [
      'text',
      5,
      ['a'],
      () => 1,
      new Proxy({}, { ownKeys: () => [Symbol('s'), 5 as never] }),
    ]) {
      assert.deepEqual(attributesOf(attributes), {
        attributes: undefined,
        json: undefined,
        notes: ['attributes: not a map, dropped'],
      });
    }
    assert.deepEqual(attributesOf(undefined).notes, []);
  });

  it('keep names that mean something to JavaScript, Realm or MongoDB', () => {
    const { attributes } = attributesOf(
      JSON.parse('{"__proto__":1,"constructor":2,"":3,"$a.b%":4,"a\\u0000":5}'),
    );
    assert.deepEqual(Object.entries(attributes as object), [
      ['__proto__', 1],
      ['constructor', 2],
      ['', 3],
      ['%24a%2Eb%25', 4],
      ['a\0', 5],
    ]);
    assert.equal(Object.getPrototypeOf(attributes), Object.prototype);
  });

  it('that no document could hold cost themselves: Realm would throw in mid-transaction', () => {
    const { attributes, notes } = attributesOf({
      a: 'x'.repeat(17 * 1024 * 1024),
      b: new Uint8Array(17 * 1024 * 1024),
      c: '€'.repeat(6 * 1024 * 1024),
      d: 'x'.repeat(10 * 1024 * 1024),
      e: 'x'.repeat(10 * 1024 * 1024),
      f: 1,
    });
    assert.deepEqual(Object.keys(attributes as object), ['d', 'f']);
    assert.deepEqual(
      notes,
      ['a', 'b', 'c', 'e'].map(
        (name) => `attributes["${name}"]: does not fit into a document of 16 MiB, dropped`,
      ),
    );
  });
});

describe('What a record loses', () => {
  const tenMegabytes = 'x'.repeat(10 * 1024 * 1024);

  it('leaves its room to what comes after', () => {
    const tooLarge = [tenMegabytes, tenMegabytes];
    const { values, notes } = mapper.toLogRecord(
      bareLog({ body: tooLarge, attributes: { a: { b: tooLarge }, c: [tenMegabytes] } }),
    );
    assert.equal(values.attributesJson, `{"c":["${tenMegabytes}"]}`);
    assert.deepEqual(notes, [
      'body: does not fit into a document of 16 MiB, dropped',
      'attributes["a"]: does not fit into a document of 16 MiB, dropped',
    ]);
  });

  it('counts among the dropped attributes, beside those that the SDK dropped for its own limits', () => {
    const attributes = { a: tenMegabytes, b: tenMegabytes, c: 1 };
    assert.equal(mapper.toSpan(bareSpan({ attributes })).values.droppedAttributesCount, 1);
    const { values } = mapper.toLogRecord(bareLog({ attributes, droppedAttributesCount: 2 }));
    assert.equal(values.droppedAttributesCount, 3);
    const nonsense = mapper.toSpan(bareSpan({ attributes, droppedAttributesCount: Number.NaN }));
    assert.equal(nonsense.values.droppedAttributesCount, 1);
  });

  it('is noted up to a number that a log line can bear', () => {
    const attributes = Object.fromEntries(
      Array.from({ length: 1000 }, (_, i) => [`${i}${'x'.repeat(1000)}`, Math.max]),
    );
    const { notes } = mapper.toSpan(bareSpan({ attributes }));
    assert.equal(notes.length, 32);
    assert.ok(notes.every((note) => note.length < 200));
  });

  it('may be the later of two keys of a Map that have one name', () => {
    const attributes = {
      m: new Map<unknown, unknown>([
        ['1', 'first'],
        [1, 'second'],
      ]),
    };
    const { values, notes } = mapper.toSpan(bareSpan({ attributes }));
    assert.equal(values.attributesJson, '{"m":{"1":"first"}}');
    assert.deepEqual(notes, ['attributes["m"]: a Map whose keys have equal names, the later ones dropped']);
  });
});

describe('The text beside a dictionary', () => {
  // Realm throws in mid-transaction for a text of 16 MiB, so the record's bound must cover it.
  for (const [what, attributes] of [
    ['texts of three bytes a character', { a: ['€€€', '€'.repeat(5000)], '€': ['€'] }],
    ['many small attributes', Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`${i}`, []]))],
    ['empty collections', { a: Array.from({ length: 100 }, () => [[], {}]) }],
    ['small maps', { a: Array.from({ length: 100 }, () => ({ a: null, b: true })) }],
    ['control characters', { a: ['\0'.repeat(100)], '\0': [{ '\0': '\0' }] }],
    ['numbers', { a: Array.from({ length: 100 }, (_, i) => i) }],
    ['bytes', { a: [new Uint8Array(100)] }],
  ] as const) {
    it(`takes no more bytes than were counted: ${what}`, () => {
      const { values, sizeBytes } = mapper.toSpan(bareSpan({ attributes }));
      const counted = sizeBytes - mapper.toSpan(bareSpan()).sizeBytes;
      assert.ok(Buffer.byteLength(values.attributesJson as string) <= counted);
    });
  }
});

describe('A log record', () => {
  it('of the real SDK arrives whole', () => {
    const exporter = new InMemoryLogRecordExporter();
    const provider = new LoggerProvider({
      resource: resourceFromAttributes({ 'service.name': 'checkout' }),
      processors: [new SimpleLogRecordProcessor({ exporter })],
    });
    provider.getLogger('pino', '10', { schemaUrl: 'https://example.com/s' }).emit({
      timestamp: [...start],
      observedTimestamp: [...end],
      severityNumber: SeverityNumber.WARN,
      severityText: 'warn',
      body: { message: 'low', 'cart.items': [1, null, new Uint8Array([1])] },
      eventName: 'cart.low',
      attributes: { 'user.id': 'u', tags: ['a', 1, { b: null }], empty: {} },
      context: trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: 1 }),
    });
    const [finished] = exporter.getFinishedLogRecords();
    assert.ok(finished);

    const record = mapper.toLogRecord(finished);

    assert.equal(record.kind, 'log');
    assert.equal(record.className, 'LogRecord');
    assert.deepEqual(record.notes, []);
    assert.deepEqual(valuesOf(record), {
      timeUnixNano: 1_790_000_000_123_456_789n,
      observedTimeUnixNano: 1_790_000_001_023_456_790n,
      traceId,
      spanId,
      flags: 1,
      severityNumber: 13,
      severityText: 'warn',
      bodyJson:
        '{"message":"low","cart%2Eitems":[{"$numberInt":"1"},null,{"$binary":{"base64":"AQ==","subType":"00"}}]}',
      eventName: 'cart.low',
      attributes: { 'user%2Eid': 'u' },
      attributesJson: '{"tags":["a",{"$numberInt":"1"},{"b":null}],"empty":{}}',
      resource: { 'service%2Ename': 'checkout' },
      scope: { name: 'pino', version: '10', schemaUrl: 'https://example.com/s' },
    });
  });

  it('with nothing in it has its times and its scope', () => {
    assert.deepEqual(
      valuesOf(mapper.toLogRecord(bareLog({ severityNumber: 0, severityText: '', eventName: '' }))),
      {
        timeUnixNano: 1_790_000_000_123_456_789n,
        observedTimeUnixNano: 1_790_000_001_023_456_790n,
        scope: { name: '' },
      },
    );
  });

  it('keeps the flags of a span that was not sampled, and a time of zero is none', () => {
    const { values } = mapper.toLogRecord(
      bareLog({ hrTime: [0, 0], spanContext: { traceId, spanId, traceFlags: 0 } }),
    );
    assert.equal(values.flags, 0);
    assert.ok(!('timeUnixNano' in values));
  });

  for (const [what, body, values] of [
    ['null', null, { body: null }],
    ['undefined', undefined, {}],
    ['an empty text', '', { body: '' }],
    ['a number', 1, { body: 1 }],
    ['a bigint', 1n, { body: 1n }],
    ['bytes', Uint8Array.of(1), { body: Uint8Array.of(1) }],
    ['a Date', new Date(0), { body: '1970-01-01T00:00:00.000Z' }],
    ['an empty array', [], { bodyJson: '[]' }],
    ['an empty map', {}, { bodyJson: '{}' }],
    ['nested maps', { a: { $b: [] } }, { bodyJson: '{"a":{"%24b":[]}}' }],
  ] as const) {
    it(`takes ${what} as its body`, () => {
      const record = mapper.toLogRecord(bareLog({ body }));
      const { body: stored, bodyJson } = record.values;
      assert.deepEqual(
        { ...('body' in record.values && { body: stored }), ...(bodyJson !== undefined && { bodyJson }) },
        values,
      );
      assert.deepEqual(record.notes, []);
    });
  }

  it('keeps the attributes of its scope, and how many of them were dropped', () => {
    const { values } = mapper.toLogRecord(
      bareLog({
        instrumentationScope: { name: 's', attributes: { 'a.b': 1, c: [] }, droppedAttributesCount: 2 },
      }),
    );
    assert.deepEqual(values.scope, {
      name: 's',
      attributes: { 'a%2Eb': 1 },
      attributesJson: '{"c":[]}',
      droppedAttributesCount: 2,
    });
  });
});

describe('A record mapper', () => {
  it('gives its classes the prefix', () => {
    const prefixed = createRecordMapper({ ObjectId, classPrefix: 'Acme' });
    assert.equal(prefixed.toSpan(bareSpan()).className, 'AcmeSpan');
    assert.equal(prefixed.toLogRecord(bareLog()).className, 'AcmeLogRecord');
    assert.throws(() => createRecordMapper({ ObjectId, classPrefix: '$' }), InvalidOptionError);
  });

  it('writes only properties that the schemas have', () => {
    const [span, log] = schemasFor();
    const everything = { attributes: { a: 1, b: [] }, droppedAttributesCount: 1, droppedEventsCount: 1 };
    for (const key of Object.keys(mapper.toSpan(bareSpan(everything)).values))
      assert.ok(key in span!.properties, key);
    for (const key of Object.keys(mapper.toLogRecord(bareLog({ ...everything, body: [] })).values)) {
      assert.ok(key in log!.properties, key);
    }
  });

  it('maps a resource once, and again while its asynchronous attributes are pending', async () => {
    let reads = 0;
    const settled = {
      attributes: new Proxy({ a: 1 }, { ownKeys: (target) => (reads++, Reflect.ownKeys(target)) }),
    };
    mapper.toSpan(bareSpan({ resource: settled }));
    const { values } = mapper.toLogRecord(bareLog({ resource: settled }));
    assert.deepEqual(values.resource, { a: 1 });
    assert.equal(reads, 1);

    const pending = resourceFromAttributes({ late: Promise.resolve('now'), early: 'x' });
    assert.deepEqual(mapper.toSpan(bareSpan({ resource: pending })).values.resource, { early: 'x' });
    await pending.waitForAsyncAttributes?.();
    assert.deepEqual(mapper.toSpan(bareSpan({ resource: pending })).values.resource, {
      late: 'now',
      early: 'x',
    });
  });

  it('says how large a record is, about', () => {
    const small = mapper.toSpan(bareSpan()).sizeBytes;
    assert.ok(small < 1000, String(small));
    const text = 'é'.repeat(50_000);
    const large = mapper.toSpan(
      bareSpan({ attributes: { text, json: [text], bytes: new Uint8Array(1000) } }),
    );
    assert.ok(
      large.sizeBytes > small + 201_000 && large.sizeBytes < small + 201_200,
      String(large.sizeBytes),
    );
  });

  it('takes the spans of the SDK by their type', () => {
    const span = {} as ReadableSpan satisfies ReadableSpanLike;
    assert.throws(() => mapper.toSpan(span), UnmappableRecordError);
  });
});
