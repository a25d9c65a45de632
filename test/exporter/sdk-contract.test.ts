import assert from 'node:assert/strict';
import { SpanStatusCode } from '@opentelemetry/api';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchLogRecordProcessor,
  LoggerProvider,
  SimpleLogRecordProcessor,
  type LogRecordExporter,
} from '@opentelemetry/sdk-logs';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  SimpleSpanProcessor,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { RealmLogRecordExporter } from '../../src/exporter/realm-log-record-exporter.js';
import { RealmSpanExporter } from '../../src/exporter/realm-span-exporter.js';
import { recordTarget } from '../../src/delivery/record-target.js';
import { MemoryTarget, nothingStored } from '../support/memory-target.js';

/** The exporters under the processors of the installed SDK, which is what apps have. */
describe('the exporters under the SDK', () => {
  let target: MemoryTarget;
  let spanExporter: SpanExporter;
  let logExporter: LogRecordExporter;

  beforeEach(() => {
    target = new MemoryTarget();
    const connection = { [recordTarget]: target };
    spanExporter = new RealmSpanExporter({ connection });
    logExporter = new RealmLogRecordExporter({ connection });
  });

  function tracerProvider(spanProcessor: SpanProcessor): BasicTracerProvider {
    const resource = resourceFromAttributes({ 'service.name': 'checkout' });
    return new BasicTracerProvider({ resource, spanProcessors: [spanProcessor] });
  }

  for (const [name, processorOf] of [
    ['BatchSpanProcessor', (exporter: SpanExporter) => new BatchSpanProcessor(exporter)],
    ['SimpleSpanProcessor', (exporter: SpanExporter) => new SimpleSpanProcessor(exporter)],
  ] as const) {
    it(`store every span of a ${name}`, async () => {
      const provider = tracerProvider(processorOf(spanExporter));
      const tracer = provider.getTracer('shop', '1.0');
      for (let i = 0; i < 1000; i += 1) tracer.startSpan(`span ${i}`).end();
      await provider.forceFlush();
      assert.deepEqual(
        target.stored.map(({ values }) => values.name),
        Array.from({ length: 1000 }, (_, i) => `span ${i}`),
      );
      await provider.shutdown();
      assert.equal(target.users, 1, 'the log exporter still writes here');
    });
  }

  it('store a span whole', async () => {
    const provider = tracerProvider(new BatchSpanProcessor(spanExporter));
    const span = provider.getTracer('shop', '1.0').startSpan('pay', { attributes: { amount: 7 } });
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'card declined' });
    span.end();
    await provider.shutdown();
    const [record] = target.stored;
    assert.equal(record!.className, 'Span');
    const { traceId, spanId, name, statusCode, statusMessage } = record!.values;
    assert.deepEqual(
      { traceId, spanId, name, statusCode, statusMessage },
      { ...idsOf(span.spanContext()), name: 'pay', statusCode: 'ERROR', statusMessage: 'card declined' },
    );
  });

  for (const [name, processorOf] of [
    ['BatchLogRecordProcessor', (exporter: LogRecordExporter) => new BatchLogRecordProcessor({ exporter })],
    ['SimpleLogRecordProcessor', (exporter: LogRecordExporter) => new SimpleLogRecordProcessor({ exporter })],
  ] as const) {
    it(`store every log record of a ${name}`, async () => {
      const provider = new LoggerProvider({ processors: [processorOf(logExporter)] });
      const logger = provider.getLogger('shop');
      for (let i = 0; i < 1000; i += 1)
        logger.emit({ severityNumber: SeverityNumber.WARN, body: `line ${i}` });
      await provider.forceFlush();
      // The simple processor's own forceFlush does not wait for its exports.
      await logExporter.forceFlush();
      assert.equal(target.stored.length, 1000);
      assert.equal(target.stored[999]!.className, 'LogRecord');
      assert.equal(target.stored[999]!.values.body, 'line 999');
      await provider.shutdown();
    });
  }

  it('leave a BatchLogRecordProcessor working after exports that failed', async () => {
    const store = target.onWrite;
    target.onWrite = (records) => Promise.resolve(nothingStored(records));
    const provider = new LoggerProvider({
      processors: [new BatchLogRecordProcessor({ exporter: logExporter })],
    });
    const logger = provider.getLogger('shop');
    logger.emit({ body: 'lost' });
    await provider.forceFlush();
    target.onWrite = store;
    logger.emit({ body: 'kept' });
    await provider.forceFlush();
    assert.deepEqual(
      target.stored.map(({ values }) => values.body),
      ['kept'],
    );
    await provider.shutdown();
  });

  it('store spans of processors that do not wait for asynchronous resource attributes, with those attributes', async () => {
    const region = new Promise<string>((resolve) => setTimeout(resolve, 5, 'eu'));
    const resource = resourceFromAttributes({ 'service.name': 'checkout', 'cloud.region': region });
    const processor: SpanProcessor = {
      onStart: () => undefined,
      onEnd: (span) => {
        spanExporter.export([span], () => undefined);
      },
      forceFlush: () => spanExporter.forceFlush!(),
      shutdown: () => spanExporter.shutdown(),
    };
    const provider = new BasicTracerProvider({ resource, spanProcessors: [processor] });
    provider.getTracer('shop').startSpan('pay').end();
    await provider.forceFlush();
    assert.deepEqual(target.stored[0]!.values.resource, {
      'service%2Ename': 'checkout',
      'cloud%2Eregion': 'eu',
    });
  });
});

function idsOf({ traceId, spanId }: { traceId: string; spanId: string }): {
  traceId: string;
  spanId: string;
} {
  return { traceId, spanId };
}
