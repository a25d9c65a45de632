/**
 * Maps spans and log records to Realm objects of layout `documents`.
 *
 * @module
 */
import { FieldWriter } from './field-writer.js';
import type { ReadableLogRecordLike } from './readable-log-record.js';
import type { LinkLike, ReadableSpanLike, SpanContextLike, TimedEventLike } from './readable-span.js';
import { RecordContext } from './record-context.js';
import type { RealmRecord } from './realm-record.js';
import { classNamesFor } from '../wire/schema.js';
import { SharedParts } from './shared-parts.js';
import { UnmappableRecordError } from './unmappable-record-error.js';

/** Maps finished telemetry to Realm objects. Its only state is a cache of resources and scopes. */
export interface RecordMapper {
  /** @throws UnmappableRecordError if it is not a span; a single unusable value is dropped with a note */
  toSpan(span: ReadableSpanLike): RealmRecord;
  /** @throws UnmappableRecordError if it is not a log record; a single unusable value is dropped with a note */
  toLogRecord(record: ReadableLogRecordLike): RealmRecord;
}

/** OpenTelemetry's `SpanKind`, by number. */
const spanKinds = ['INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'] as const;

/** OpenTelemetry's `SpanStatusCode`, by number. */
const statusCodes = ['UNSET', 'OK', 'ERROR'] as const;

/** OTLP's `SpanFlags`: the low 8 bits are the W3C trace flags. */
const traceFlagsMask = 0xff;
/** OTLP's `SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK`: the next bit is meaningful. */
const hasIsRemote = 0x100;
/** OTLP's `SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK`. */
const isRemote = 0x200;

/** Upper bound, in bytes, of a record's numbers and ids; part of `sizeBytes`. */
const fixedBytes = 256;

/**
 * Creates the mapper of one exporter.
 *
 * @param options.ObjectId - the Realm's own `BSON.ObjectId`: Realm rejects instances of another copy of the class
 * @param options.classPrefix - prefix of the class names
 * @throws InvalidOptionError if the name of a Realm class cannot begin with the prefix
 */
export function createRecordMapper(options: {
  readonly ObjectId: new () => unknown;
  readonly classPrefix?: string;
}): RecordMapper {
  const { ObjectId } = options;
  const names = classNamesFor(options.classPrefix);
  const parts = new SharedParts();

  function map<T>(
    kind: RealmRecord['kind'],
    className: string,
    source: T,
    write: (source: T, target: FieldWriter, context: RecordContext) => void,
  ): RealmRecord {
    if (typeof source !== 'object' || source === null) {
      throw new UnmappableRecordError(
        `a ${kind} must be an object, not ${source === null ? 'null' : typeof source}`,
      );
    }
    const context = new RecordContext();
    const target = new FieldWriter(context);
    try {
      target.values._id = new ObjectId();
      write(source, target, context);
    } catch (cause) {
      throw new UnmappableRecordError(`a property of the ${kind} cannot be read`, { cause });
    }
    return {
      kind,
      className,
      values: target.values,
      notes: context.notes,
      sizeBytes: fixedBytes + context.sizeBytes,
    };
  }

  function writeSpan(span: ReadableSpanLike, target: FieldWriter, context: RecordContext): void {
    // First, because many spans share them: if space runs out, the span's own values are dropped.
    parts.putResource(target, span.resource, context);
    parts.putScope(target, span.instrumentationScope, context);

    const own = span.spanContext();
    const parent = span.parentSpanContext;
    writeIds(own, target);
    target.optionalText('parentSpanId', parent?.spanId);
    target.optionalText('traceState', serializeTraceState(own, context));
    target.integer('flags', spanFlags(own, parent, context));
    target.text('name', span.name);
    target.enumName('kind', span.kind, spanKinds);
    const start = target.optionalTime('startTimeUnixNano', span.startTime);
    const end = target.optionalTime('endTimeUnixNano', span.endTime);
    // Absent without both times: OTLP cannot tell an absent time from zero.
    if (start !== undefined && end !== undefined) target.long('durationNano', end - start);
    const { status } = span;
    target.enumName('statusCode', status.code, statusCodes);
    target.optionalText('statusMessage', status.message);
    target.countedAttributes(span.attributes, span.droppedAttributesCount);
    target.objects('events', mapEach('events', span.events, mapEvent, context));
    target.objects('links', mapEach('links', span.links, mapLink, context));
    target.optionalInteger('droppedEventsCount', span.droppedEventsCount);
    target.optionalInteger('droppedLinksCount', span.droppedLinksCount);
  }

  function writeLogRecord(record: ReadableLogRecordLike, target: FieldWriter, context: RecordContext): void {
    parts.putResource(target, record.resource, context);
    parts.putScope(target, record.instrumentationScope, context);

    target.optionalTime('timeUnixNano', record.hrTime);
    target.optionalTime('observedTimeUnixNano', record.hrTimeObserved);
    const { spanContext } = record;
    if (spanContext) {
      writeIds(spanContext, target);
      target.integer('flags', traceFlags(spanContext, context));
    }
    target.optionalInteger('severityNumber', record.severityNumber);
    target.optionalText('severityText', record.severityText);
    target.anyValue('body', record.body);
    target.optionalText('eventName', record.eventName);
    target.countedAttributes(record.attributes, record.droppedAttributesCount);
  }

  return {
    toSpan: (span) => map('span', names.span, span, writeSpan),
    toLogRecord: (record) => map('log', names.logRecord, record, writeLogRecord),
  };
}

/** Maps a span's events or links. An unusable one is dropped with a note. */
function mapEach<T>(
  field: string,
  items: readonly T[],
  map: (item: T, target: FieldWriter, context: RecordContext) => void,
  context: RecordContext,
): readonly Readonly<Record<string, unknown>>[] {
  const mapped: Readonly<Record<string, unknown>>[] = [];
  for (const item of items) {
    const target = new FieldWriter(context, `${field}.`);
    try {
      map(item, target, context);
      mapped.push(target.values);
    } catch {
      context.enter(field);
      context.note('one could not be read, dropped');
    }
  }
  return mapped;
}

function mapEvent(event: TimedEventLike, target: FieldWriter): void {
  target.text('name', event.name);
  target.time('timeUnixNano', event.time);
  target.countedAttributes(event.attributes, event.droppedAttributesCount);
}

function mapLink(link: LinkLike, target: FieldWriter, context: RecordContext): void {
  const { context: linked } = link;
  writeIds(linked, target);
  target.optionalText('traceState', serializeTraceState(linked, context));
  target.integer('flags', spanFlags(linked, linked, context));
  target.countedAttributes(link.attributes, link.droppedAttributesCount);
}

function writeIds(spanContext: SpanContextLike, target: FieldWriter): void {
  target.text('traceId', spanContext.traceId);
  target.text('spanId', spanContext.spanId);
}

/**
 * OTLP's span flags: the trace flags of `own`, and whether `remote` came from another process. `remote` is the parent of a
 * span, and for a link the linked context itself.
 */
function spanFlags(
  own: SpanContextLike,
  remote: SpanContextLike | undefined,
  context: RecordContext,
): number {
  return traceFlags(own, context) | hasIsRemote | (remote?.isRemote === true ? isRemote : 0);
}

function traceFlags(spanContext: SpanContextLike, context: RecordContext): number {
  const flags: unknown = spanContext.traceFlags;
  if (typeof flags === 'number' && flags === (flags & traceFlagsMask)) return flags;
  context.enter('flags');
  context.note('not 8 bits of trace flags, cut to them');
  return typeof flags === 'number' ? flags & traceFlagsMask : 0;
}

/** The trace state may be the app's own object, which may throw. */
function serializeTraceState(spanContext: SpanContextLike, context: RecordContext): unknown {
  try {
    return spanContext.traceState?.serialize();
  } catch {
    context.enter('traceState');
    context.note('could not be read, dropped');
    return undefined;
  }
}
