/**
 * The JSON form of a collection's documents.
 *
 * Most values are plain JSON. Values without a JSON form are written as Extended JSON. A field name that begins with `$`
 * gets another `$`, so that a user's `{"$date": …}` is not mistaken for a date:
 *
 * | value | written as |
 * |---|---|
 * | null, boolean, string, array, map | itself |
 * | double | a literal with point or exponent; NaN, the infinities and -0 as `{"$numberDouble": …}` |
 * | integer that the collection's rule restores | a literal without point and exponent |
 * | any other integer | `{"$numberInt": …}`, `{"$numberLong": …}` |
 * | date in a field of times | an ISO string; a string there that looks like a date as `{"$string": …}` |
 * | any other date | `{"$date": …}`: an ISO string from 1970 to 9999, else `{"$numberLong": …}` |
 * | ObjectId, UUID, other binary | `{"$oid": …}`, `{"$uuid": …}`, `{"$binary": {"base64": …, "subType": …}}` |
 * | decimal | `{"$numberDecimal": …}`; if its text does not restore its bits `{"$decimal128": hex}` |
 *
 * Source: design, "SQLite".
 *
 * @module
 */

/** A special field: a time, an Int64 of any size, or a map (or an array of maps) with special fields. */
export type FieldRule = 'time' | 'int64' | FieldRules;

export interface FieldRules {
  readonly [field: string]: FieldRule;
}

export interface JsonForm {
  /** The type of an integer literal: Int32 if it fits and else Int64, or always Int64. */
  readonly integers: 'int32-if-it-fits' | 'int64';
  readonly fields: FieldRules;
}

const ingest: FieldRules = rules({ receivedAt: 'time' });

/** Spans and log records: the design's value rules. */
const telemetryForm: JsonForm = {
  integers: 'int32-if-it-fits',
  fields: rules({
    startTime: 'time',
    endTime: 'time',
    time: 'time',
    observedTime: 'time',
    startTimeUnixNano: 'int64',
    endTimeUnixNano: 'int64',
    timeUnixNano: 'int64',
    observedTimeUnixNano: 'int64',
    durationNano: 'int64',
    events: rules({ time: 'time', timeUnixNano: 'int64' }),
    ingest,
  }),
};

/** Other classes, stored unchanged: all their integers are Int64. */
const plainForm: JsonForm = { integers: 'int64', fields: rules({ ingest }) };

/**
 * The form of a collection. It depends on the name alone, so that every release and command reads what another wrote:
 * names that end in `Span` or `LogRecord` (with a class prefix) are telemetry. Both forms are lossless for every document,
 * but each is most readable for its own classes.
 */
export function jsonFormOf(collection: string): JsonForm {
  return /(?:Span|LogRecord)$/u.test(collection) ? telemetryForm : plainForm;
}

/** The rule of a field inside a value with the rule `rule`. */
export function ruleOfField(rule: FieldRule | undefined, field: string): FieldRule | undefined {
  return typeof rule === 'object' ? rule[field] : undefined;
}

/** The rule of an array's elements. */
export function ruleOfElement(rule: FieldRule | undefined): FieldRule | undefined {
  return typeof rule === 'object' ? rule : undefined;
}

/** Whether `Date.prototype.toISOString` writes this string, for a year from 0 to 9999. */
export function isIsoTime(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u.test(text)) return false;
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.toISOString() === text;
}

/** Whether an integer fits into 32 bits. */
export function fitsInt32(value: bigint): boolean {
  return BigInt.asIntN(32, value) === value;
}

function rules(fields: FieldRules): FieldRules {
  // Without a prototype: a field may be called `constructor`.
  return Object.assign(Object.create(null) as FieldRules, fields);
}
