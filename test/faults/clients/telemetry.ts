/**
 * Spans and log records through the SDK, with the documents that are to come of them.
 *
 * @module
 */
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type HrTime,
  type Tracer,
} from '@opentelemetry/api';
import { SeverityNumber, type AnyValueMap, type Logger } from '@opentelemetry/api-logs';
import type { Random } from '../random.js';
import type { ExpectedRecord } from './expected-record.js';
import { anyValue, attributes, attributeValue, bodyValue, type Pair } from './values.js';

/** As every record's resource and scope are stored. */
const resourceOf = (serviceName: string) => ({ service: { name: serviceName } });
export const scope = { name: 'faults', version: '1.2.3' };

/** The attribute by which a record is found again. */
const keyName = 'record.key';

/** What records have in common. */
export interface RecordSettings {
  readonly random: Random;
  readonly serviceName: string;
  /** Of this record alone. */
  readonly key: string;
  /** Text that makes it larger. */
  readonly padding: string;
}

/** Records one span. */
export function recordSpan(tracer: Tracer, settings: RecordSettings): ExpectedRecord {
  const { random, key, serviceName } = settings;
  const kind = random.pick(['INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'] as const);
  const [start, end] = [time(random), time(random, 3)];
  const own = keyed(attributes(random, attributeValue), settings);
  const parent = random.chance(0.5) ? { traceId: hex(random, 16), spanId: hex(random, 8) } : undefined;
  const context =
    parent === undefined
      ? ROOT_CONTEXT
      : trace.setSpanContext(ROOT_CONTEXT, { ...parent, traceFlags: TraceFlags.SAMPLED });
  const link = random.chance(0.3) ? { traceId: hex(random, 16), spanId: hex(random, 8) } : undefined;
  const span = tracer.startSpan(
    `span ${key}`,
    {
      kind: SpanKind[kind],
      startTime: start.given,
      attributes: own.given as Attributes,
      ...(link && { links: [{ context: { ...link, traceFlags: TraceFlags.NONE } }] }),
    },
    context,
  );
  const event = random.chance(0.3) ? { at: time(random), value: random.integer(0, 9) } : undefined;
  if (event) span.addEvent('cache miss', { tries: event.value }, event.at.given);
  const failed = random.chance(0.2);
  if (failed) span.setStatus({ code: SpanStatusCode.ERROR, message: 'no such order' });
  span.end(end.given);
  const { traceId, spanId } = span.spanContext();
  return {
    collection: 'Span',
    key,
    document: {
      traceId,
      spanId,
      ...(parent && { parentSpanId: parent.spanId }),
      flags: { $numberInt: '257' },
      name: `span ${key}`,
      kind,
      startTime: start.date,
      startTimeUnixNano: start.nanos,
      endTime: end.date,
      endTimeUnixNano: end.nanos,
      durationNano: { $numberLong: String(end.value - start.value) },
      statusCode: failed ? 'ERROR' : 'UNSET',
      ...(failed && { statusMessage: 'no such order' }),
      attributes: own.stored,
      ...(event && {
        events: [
          {
            name: 'cache miss',
            time: event.at.date,
            timeUnixNano: event.at.nanos,
            attributes: { tries: { $numberInt: String(event.value) } },
          },
        ],
      }),
      ...(link && { links: [{ ...link, flags: { $numberInt: '256' } }] }),
      resource: resourceOf(serviceName),
      scope,
    },
  };
}

/** Records one log record. */
export function recordLog(logger: Logger, settings: RecordSettings): ExpectedRecord {
  const { random, key, serviceName } = settings;
  const [at, observed] = [time(random), time(random)];
  const own = keyed(attributes(random, anyValue), settings);
  const body = random.chance(0.8) ? bodyValue(random) : undefined;
  const parent = random.chance(0.5) ? { traceId: hex(random, 16), spanId: hex(random, 8) } : undefined;
  logger.emit({
    timestamp: at.given,
    observedTimestamp: observed.given,
    severityNumber: SeverityNumber.WARN,
    severityText: 'WARN',
    ...(body && { body: body.given as AnyValueMap }),
    attributes: own.given as AnyValueMap,
    context:
      parent === undefined
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, { ...parent, traceFlags: TraceFlags.SAMPLED }),
  });
  return {
    collection: 'LogRecord',
    key,
    document: {
      time: at.date,
      timeUnixNano: at.nanos,
      observedTime: observed.date,
      observedTimeUnixNano: observed.nanos,
      ...(parent && { ...parent, flags: { $numberInt: '1' } }),
      severityNumber: { $numberInt: '13' },
      severityText: 'WARN',
      ...(body && { body: body.stored }),
      attributes: own.stored,
      resource: resourceOf(serviceName),
      scope,
    },
  };
}

function keyed(
  own: Pair<Record<string, unknown>> & { readonly stored: Record<string, unknown> },
  { key, padding }: RecordSettings,
): Pair<Record<string, unknown>> {
  const padded = padding === '' ? {} : { padding };
  return {
    given: { ...own.given, ...padded, [keyName]: key },
    stored: { ...own.stored, ...padded, record: { key } },
  };
}

interface Time {
  readonly given: HrTime;
  readonly value: bigint;
  readonly date: object;
  readonly nanos: object;
}

function time(random: Random, laterSeconds = 0): Time {
  const seconds = 1_700_000_000 + laterSeconds;
  const nanoseconds = random.integer(0, 999_999_999);
  const value = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
  return {
    given: [seconds, nanoseconds],
    value,
    date: { $date: { $numberLong: String(value / 1_000_000n) } },
    nanos: { $numberLong: String(value) },
  };
}

function hex(random: Random, byteCount: number): string {
  return Buffer.from(random.bytes(byteCount)).toString('hex');
}
