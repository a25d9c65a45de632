/**
 * The telemetry that every benchmark records: spans with 8 attributes, one in five with an exception event; log records
 * with a body of 100 bytes and 6 attributes; a resource with 8 attributes.
 *
 * @module
 */
import { SpanKind, SpanStatusCode, type HrTime } from '@opentelemetry/api';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  InMemoryLogRecordExporter,
  LoggerProvider,
  SimpleLogRecordProcessor,
  type ReadableLogRecord,
} from '@opentelemetry/sdk-logs';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';

const resource = resourceFromAttributes({
  'service.name': 'checkout',
  'service.version': '1.4.0',
  'service.instance.id': '627cc493-f310-47de-96bd-71410b7dec09',
  'deployment.environment.name': 'production',
  'host.name': 'kiosk-0042',
  'host.arch': 'amd64',
  'os.type': 'linux',
  'process.pid': 4711,
});

/** Ended spans, each with its own trace id. */
export function makeSpans(count: number): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const tracer = provider.getTracer('bench', '1.0.0');
  for (let i = 0; i < count; i += 1) {
    const span = tracer.startSpan('POST /orders/:id', {
      kind: SpanKind.SERVER,
      attributes: {
        'http.request.method': 'POST',
        'url.path': `/orders/${i}`,
        'url.scheme': 'https',
        'http.route': '/orders/:id',
        'http.response.status_code': i % 5 === 0 ? 500 : 201,
        'server.address': 'kiosk-0042.example.com',
        'network.peer.port': 40_000 + (i % 1000),
        'order.total': i * 1.25,
      },
    });
    if (i % 5 === 0) {
      span.recordException(new Error(`order ${i} was refused`));
      span.setStatus({ code: SpanStatusCode.ERROR, message: 'refused' });
    }
    span.end();
  }
  return exporter.getFinishedSpans();
}

/** Emitted log records. */
export function makeLogRecords(count: number): ReadableLogRecord[] {
  const exporter = new InMemoryLogRecordExporter();
  const provider = new LoggerProvider({
    resource,
    processors: [new SimpleLogRecordProcessor({ exporter })],
  });
  const logger = provider.getLogger('bench', '1.0.0');
  const timestamp: HrTime = [1_700_000_000, 5];
  for (let i = 0; i < count; i += 1) {
    logger.emit({
      timestamp,
      severityNumber: SeverityNumber.INFO,
      severityText: 'INFO',
      body: `order ${i} `.padEnd(100, 'x'),
      attributes: {
        'order.id': i,
        'order.item': 'lamp',
        'order.total': i * 1.25,
        'user.id': `user-${i % 100}`,
        'log.iostream': 'stdout',
        retry: i % 2 === 0,
      },
    });
  }
  return exporter.getFinishedLogRecords();
}
