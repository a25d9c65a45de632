/**
 * The fields of our documents in order, and the properties of our Realm classes (`model/schema`) behind them. Design,
 * "Documents in the store".
 *
 * @module
 */

/** One field of a document, and how it is made from the property of the same name. */
export type TelemetryField =
  /** A string. */
  | { readonly kind: 'text'; readonly name: string }
  /** An integer → Int32. */
  | { readonly kind: 'int32'; readonly name: string }
  /** An integer → Int64. */
  | { readonly kind: 'int64'; readonly name: string }
  /** The Date of the nanoseconds in the property `source`, which is also a field of its own. */
  | { readonly kind: 'date'; readonly name: string; readonly source: string }
  /** A dictionary, and the arrays and maps of the property `…Json`. */
  | { readonly kind: 'attributes'; readonly name: string }
  /** Any value; arrays and maps come in the property `…Json`. */
  | { readonly kind: 'anyValue'; readonly name: string }
  /** An embedded object. */
  | { readonly kind: 'object'; readonly name: string; readonly fields: TelemetryFields }
  /** A list of embedded objects. */
  | { readonly kind: 'objects'; readonly name: string; readonly fields: TelemetryFields };

/** The fields of one class's documents. */
export interface TelemetryFields {
  readonly inOrder: readonly TelemetryField[];
  /** The properties behind the fields. */
  readonly properties: ReadonlySet<string>;
  /** Fields that the server computes: a property of the same name is stored under another name. */
  readonly derived: ReadonlySet<string>;
}

function fieldsOf(...inOrder: readonly TelemetryField[]): TelemetryFields {
  const properties = new Set<string>();
  const derived = new Set<string>();
  for (const field of inOrder) {
    (field.kind === 'date' ? derived : properties).add(field.name);
    if (field.kind === 'attributes' || field.kind === 'anyValue') properties.add(`${field.name}Json`);
  }
  return { inOrder, properties, derived };
}

const text = (name: string): TelemetryField => ({ kind: 'text', name });
const int32 = (name: string): TelemetryField => ({ kind: 'int32', name });
const int64 = (name: string): TelemetryField => ({ kind: 'int64', name });
const date = (name: string, source: string): TelemetryField => ({ kind: 'date', name, source });
const attributes = (name: string): TelemetryField => ({ kind: 'attributes', name });

const eventFields = fieldsOf(
  text('name'),
  date('time', 'timeUnixNano'),
  int64('timeUnixNano'),
  attributes('attributes'),
  int32('droppedAttributesCount'),
);

const linkFields = fieldsOf(
  text('traceId'),
  text('spanId'),
  text('traceState'),
  int32('flags'),
  attributes('attributes'),
  int32('droppedAttributesCount'),
);

const scopeFields = fieldsOf(
  text('name'),
  text('version'),
  text('schemaUrl'),
  attributes('attributes'),
  int32('droppedAttributesCount'),
);

const originFields: readonly TelemetryField[] = [
  attributes('resource'),
  text('resourceSchemaUrl'),
  { kind: 'object', name: 'scope', fields: scopeFields },
];

/** Fields of `Span`. */
export const spanFields = fieldsOf(
  text('traceId'),
  text('spanId'),
  text('parentSpanId'),
  text('traceState'),
  int32('flags'),
  text('name'),
  text('kind'),
  date('startTime', 'startTimeUnixNano'),
  date('endTime', 'endTimeUnixNano'),
  int64('startTimeUnixNano'),
  int64('endTimeUnixNano'),
  int64('durationNano'),
  text('statusCode'),
  text('statusMessage'),
  attributes('attributes'),
  { kind: 'objects', name: 'events', fields: eventFields },
  { kind: 'objects', name: 'links', fields: linkFields },
  int32('droppedAttributesCount'),
  int32('droppedEventsCount'),
  int32('droppedLinksCount'),
  ...originFields,
);

/** Fields of `LogRecord`. */
export const logRecordFields = fieldsOf(
  date('time', 'timeUnixNano'),
  int64('timeUnixNano'),
  date('observedTime', 'observedTimeUnixNano'),
  int64('observedTimeUnixNano'),
  text('traceId'),
  text('spanId'),
  int32('flags'),
  int32('severityNumber'),
  text('severityText'),
  { kind: 'anyValue', name: 'body' },
  text('eventName'),
  attributes('attributes'),
  int32('droppedAttributesCount'),
  ...originFields,
);
