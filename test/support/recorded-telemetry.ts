/**
 * Telemetry whose numbers are known, recorded through the SDK: the queries of `docs/mongodb.md` run on it.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
} from '@opentelemetry/api';
import { SeverityNumber, type LogAttributes } from '@opentelemetry/api-logs';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider, type LogRecordExporter } from '@opentelemetry/sdk-logs';
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';

export const minuteMillis = 60_000;
export const hourMillis = 60 * minuteMillis;
export const dayMillis = 24 * hourMillis;

export interface RecordedSpan {
  readonly name: string;
  /** Milliseconds before now at which it began. */
  readonly ago: number;
  readonly millis: number;
  /** Default: INTERNAL. */
  readonly kind?: SpanKind;
  readonly failed?: boolean;
  readonly attributes?: Attributes;
  readonly exception?: Error;
  /** Default: none, and the span begins a trace. */
  readonly parent?: Context;
  /** Of the new trace. */
  readonly traceId?: string;
}

export interface RecordedLog {
  readonly ago: number;
  readonly body: string;
  /** Default: INFO. */
  readonly severity?: SeverityNumber;
  readonly severityText?: string;
  readonly attributes?: LogAttributes;
  readonly context?: Context;
}

/** One service with its tracer and its logger. */
export class RecordedService {
  /** How many spans have been recorded. */
  spans = 0;
  /** The log records that have been recorded. */
  readonly logs: { readonly time: Date; readonly severity: SeverityNumber }[] = [];
  readonly #now: number;
  readonly #tracerProvider: BasicTracerProvider;
  readonly #loggerProvider: LoggerProvider;
  #traceId: string | undefined;

  /** @param now - milliseconds since the epoch, the origin of `ago` */
  constructor(name: string, now: number, spanExporter: SpanExporter, logExporter: LogRecordExporter) {
    this.#now = now;
    const resource = resourceFromAttributes({ 'service.name': name, 'service.version': '1.4.0' });
    this.#tracerProvider = new BasicTracerProvider({
      resource,
      spanProcessors: [new BatchSpanProcessor(spanExporter)],
      idGenerator: {
        generateTraceId: () => this.#traceId ?? randomBytes(16).toString('hex'),
        generateSpanId: () => randomBytes(8).toString('hex'),
      },
    });
    this.#loggerProvider = new LoggerProvider({
      resource,
      processors: [new BatchLogRecordProcessor({ exporter: logExporter })],
    });
  }

  /** Records a span, and returns the context for its children and log records. */
  span(recorded: RecordedSpan): Context {
    const { name, ago, millis, kind = SpanKind.INTERNAL, attributes = {}, parent = ROOT_CONTEXT } = recorded;
    const start = this.#now - ago;
    this.#traceId = recorded.traceId;
    const span = this.#tracerProvider
      .getTracer('recorded')
      .startSpan(name, { kind, attributes, startTime: start }, parent);
    this.#traceId = undefined;
    if (recorded.exception !== undefined) span.recordException(recorded.exception, start + millis);
    if (recorded.failed === true) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(start + millis);
    this.spans += 1;
    return trace.setSpan(parent, span);
  }

  log({
    ago,
    body,
    severity = SeverityNumber.INFO,
    severityText,
    attributes = {},
    context = ROOT_CONTEXT,
  }: RecordedLog): void {
    this.#loggerProvider.getLogger('recorded').emit({
      timestamp: this.at(ago),
      severityNumber: severity,
      ...(severityText !== undefined && { severityText }),
      body,
      attributes,
      context,
    });
    this.logs.push({ time: this.at(ago), severity });
  }

  /** When something was, that is said to have been so long ago. */
  at(ago: number): Date {
    return new Date(this.#now - ago);
  }

  async flush(): Promise<void> {
    await Promise.all([this.#tracerProvider.forceFlush(), this.#loggerProvider.forceFlush()]);
  }
}
