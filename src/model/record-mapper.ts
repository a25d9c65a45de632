/**
 * Spans and log records → Realm objects of layout `documents`.
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

/** Makes Realm objects of finished telemetry. Stateless but for what it remembers of resources and scopes. */
export interface RecordMapper {
  /** @throws UnmappableRecordError if it is no span at all; a value that is not usable costs itself and a note */
  toSpan(span: ReadableSpanLike): RealmRecord;
  /** @throws UnmappableRecordError if it is no log record at all; a value that is not usable costs itself and a note */
  toLogRecord(record: ReadableLogRecordLike): RealmRecord;
}

/** OpenTelemetry's `SpanKind`, by number. */
const spanKinds = ['INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'] as const;

/** OpenTelemetry's `SpanStatusCode`, by number. */
const statusCodes = ['UNSET', 'OK', 'ERROR'] as const;

/** OTLP's `SpanFlags`: the low 8 bits are the W3C trace flags. */
const traceFlagsMask = 0xff;
/** OTLP's `SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK`: the next bit means something. */
const hasIsRemote = 0x100;
/** OTLP's `SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK`. */
const isRemote = 0x200;

/** What a record's numbers and ids come to beside its texts, at most; for `sizeBytes`. */
const fixedBytes = 256;

/**
 * Creates the mapper of one exporter.
 *
 * @param options.ObjectId - the Realm's own `BSON.ObjectId`: a Realm takes no other's instances
 * @param options.classPrefix - of the Realm's classes
 * @throws InvalidOptionError for a prefix that no Realm class could begin with
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
    // Shared by many, so first: whatever does not fit beside it is this span's own.
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
    // Of absent times there is none: OTLP, and so layout `batches`, cannot tell absence from zero.
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

/** Maps a span's events or links; one that is not usable costs itself. */
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
 * OTLP's flags: of `own` the trace flags, of `remote`, the parent for a span and the linked context itself for a link,
 * whether it came from another process.
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

/** The trace state is an object of the app, or of a propagator of its own. */
function serializeTraceState(spanContext: SpanContextLike, context: RecordContext): unknown {
  try {
    return spanContext.traceState?.serialize();
  } catch {
    context.enter('traceState');
    context.note('could not be read, dropped');
    return undefined;
  }
}
