import assert from 'node:assert/strict';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, createTraceState, trace } from '@opentelemetry/api';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { ObjectId } from 'bson';
import fc from 'fast-check';
import { createDocumentMapper } from '../../src/telemetry/document-mapper.js';
import type { Document } from '../../src/store/document.js';
import { createRecordMapper } from '../../../src/model/record-mapper.js';
import type { RealmRecord } from '../../../src/model/realm-record.js';
import { decodeFields } from '../support/decode-fields.js';
import { plain } from '../support/plain-document.js';
import { sendRecord } from '../support/simulated-wire.js';

const classPrefix = 'Acme';
const recordMapper = createRecordMapper({ ObjectId, classPrefix });
const documentMapper = createDocumentMapper({ classPrefix, admittedClasses: [] });
const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';

function deliver(record: RealmRecord): Document {
  const result = documentMapper.toDocument(sendRecord(record, classPrefix));
  assert.ok('document' in result);
  assert.equal(result.collection, record.className);
  assert.deepEqual(plain(result.document._id), `objectId(${String(record.values._id)})`);
  delete result.document._id;
  return result.document;
}

describe('From the SDK to the document', () => {
  it('a span arrives whole, with its fields in order', () => {
    const exporter = new InMemorySpanExporter();
    const provider = new BasicTracerProvider({
      resource: resourceFromAttributes(
        {
          'service.name': 'checkout',
          'service.instance.id': '7',
          'process.command_args': ['node', 'app.js'],
        },
        { schemaUrl: 'https://opentelemetry.io/schemas/1.37.0' },
      ),
      spanProcessors: [new SimpleSpanProcessor(exporter)],
    });
    const parent = { traceId, spanId, traceFlags: 1, isRemote: true, traceState: createTraceState('a=1') };
    const span = provider.getTracer('http', '1.0.0').startSpan(
      'GET /pay',
      {
        kind: SpanKind.CLIENT,
        startTime: [1_790_000_000, 123_456_789],
        links: [{ context: parent, attributes: { x: 1 } }],
      },
      trace.setSpanContext(ROOT_CONTEXT, parent),
    );
    span.setAttributes({
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      http: 'yes',
      ratio: 0.25,
      whole: 3.0,
      nan: NaN,
      ok: true,
      'http.request.header.accept': ['a', 'b'],
      $where: 'x',
    });
    span.addEvent('exception', { 'exception.type': 'Error' }, [1_790_000_000, 999_999_999]);
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'no' });
    span.end([1_790_000_001, 0]);
    const [finished] = exporter.getFinishedSpans();
    assert.ok(finished);

    const document = plain(deliver(recordMapper.toSpan(finished))) as object;

    assert.deepEqual(Object.entries(document), [
      ['traceId', traceId],
      ['spanId', finished.spanContext().spanId],
      ['parentSpanId', spanId],
      ['traceState', 'a=1'],
      ['flags', 'int32(769)'],
      ['name', 'GET /pay'],
      ['kind', 'CLIENT'],
      ['startTime', new Date(1_790_000_000_123)],
      ['endTime', new Date(1_790_000_001_000)],
      ['startTimeUnixNano', 1_790_000_000_123_456_789n],
      ['endTimeUnixNano', 1_790_000_001_000_000_000n],
      ['durationNano', 876_543_211n],
      ['statusCode', 'ERROR'],
      ['statusMessage', 'no'],
      [
        'attributes',
        {
          http: {
            _value: 'yes',
            request: { method: 'GET', header: { accept: ['a', 'b'] } },
            response: { status_code: 'int32(200)' },
          },
          ratio: 'double(0.25)',
          whole: 'int32(3)',
          nan: 'double(NaN)',
          ok: true,
          '%24where': 'x',
        },
      ],
      [
        'events',
        [
          {
            name: 'exception',
            time: new Date(1_790_000_000_999),
            timeUnixNano: 1_790_000_000_999_999_999n,
            attributes: { exception: { type: 'Error' } },
          },
        ],
      ],
      ['links', [{ traceId, spanId, traceState: 'a=1', flags: 'int32(769)', attributes: { x: 'int32(1)' } }]],
      [
        'resource',
        {
          service: { name: 'checkout', instance: { id: '7' } },
          process: { command_args: ['node', 'app.js'] },
        },
      ],
      ['resourceSchemaUrl', 'https://opentelemetry.io/schemas/1.37.0'],
      ['scope', { name: 'http', version: '1.0.0' }],
    ]);
  });

  it('a log record arrives whole, with its fields in order', () => {
    const exporter = new InMemoryLogRecordExporter();
    const provider = new LoggerProvider({
      resource: resourceFromAttributes({ 'service.name': 'checkout' }),
      processors: [new SimpleLogRecordProcessor({ exporter })],
    });
    provider.getLogger('pino').emit({
      timestamp: [1_790_000_000, 1],
      observedTimestamp: [1_790_000_000, 1_000_000],
      severityNumber: SeverityNumber.ERROR,
      severityText: 'error',
      body: { 'a.b': [1, null, new Uint8Array([1]), { $c: 1.5 }], empty: {} },
      eventName: 'failed',
      attributes: { list: [], map: { 'x.y': 1 }, bytes: new Uint8Array([2]), nothing: null, text: '' },
      context: trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: 0 }),
    });
    const [finished] = exporter.getFinishedLogRecords();
    assert.ok(finished);

    const document = plain(deliver(recordMapper.toLogRecord(finished))) as object;

    assert.deepEqual(Object.entries(document), [
      ['time', new Date(1_790_000_000_000)],
      ['timeUnixNano', 1_790_000_000_000_000_001n],
      ['observedTime', new Date(1_790_000_000_001)],
      ['observedTimeUnixNano', 1_790_000_000_001_000_000n],
      ['traceId', traceId],
      ['spanId', spanId],
      ['flags', 'int32(0)'],
      ['severityNumber', 'int32(17)'],
      ['severityText', 'error'],
      ['body', { a: { b: ['int32(1)', null, 'binary(0, 01)', { '%24c': 'double(1.5)' }] }, empty: {} }],
      ['eventName', 'failed'],
      [
        'attributes',
        { bytes: 'binary(0, 02)', nothing: null, text: '', list: [], map: { x: { y: 'int32(1)' } } },
      ],
      ['resource', { service: { name: 'checkout' } }],
      ['scope', { name: 'pino' }],
    ]);
  });

  it('attributes of any name and value arrive, each under its own name', () => {
    const segment = fc.constantFrom(
      'a',
      'b',
      '',
      '_value',
      '__proto__',
      '$date',
      '%',
      '%2E',
      '\0',
      '\uD800',
      'é',
    );
    const name = fc.array(segment, { minLength: 1, maxLength: 35 }).map((parts) => parts.join('.'));
    const leaf = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.double({ noNaN: true }),
      fc.constant(null),
      fc.boolean(),
    );
    const value = fc.oneof({ weight: 4, arbitrary: leaf }, fc.dictionary(name, leaf, { maxKeys: 3 }));
    const attributes = fc.array(fc.tuple(name, value), { maxLength: 8 });
    fc.assert(
      fc.property(attributes, (entries) => {
        const expected = new Map<string, unknown>();
        const given = Object.create(null) as Record<string, unknown>;
        for (const [key, each] of entries) {
          const leaves = typeof each === 'object' && each !== null ? Object.entries(each) : undefined;
          const flat: [string, unknown][] =
            leaves === undefined || leaves.length === 0
              ? [[key, each]]
              : leaves.map(([inner, innerValue]) => [`${key}.${inner}`, innerValue]);
          // Maps are restored flattened, so only names that stay distinct can be compared.
          if (key in given || flat.some(([flatName]) => expected.has(flatName))) continue;
          given[key] = each;
          for (const [flatName, flatValue] of flat) expected.set(flatName, flatValue);
        }
        const record = recordMapper.toLogRecord({
          ...{ hrTime: [1, 0], hrTimeObserved: [1, 0], attributes: given, droppedAttributesCount: 0 },
          ...{ resource: { attributes: {} }, instrumentationScope: { name: '' } },
        });
        assert.deepEqual(record.notes, []);
        const { attributes: stored } = deliver(record);
        const decoded = decodeFields((stored ?? {}) as Document);
        assert.deepEqual(
          new Map([...decoded].map(([key, each]) => [key, plain(each)])),
          new Map([...expected].map(([key, each]) => [key, expectedValue(each)])),
        );
      }),
      { numRuns: 500 },
    );
  });
});

function expectedValue(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) return {};
  if (typeof value !== 'number') return value;
  if (!Number.isSafeInteger(value)) return `double(${value})`;
  return value === (value | 0) ? `int32(${value})` : BigInt(value);
}
