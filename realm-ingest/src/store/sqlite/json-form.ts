/**
 * How the documents of a collection are written as JSON.
 *
 * Most values read as themselves. What JSON has no form for is written in Extended JSON's, and a field whose name
 * begins with `$` gets one more, so that a user's `{"$date": …}` is never taken for a date:
 *
 * | value | written as |
 * |---|---|
 * | null, boolean, string, array, map | itself |
 * | double | a literal with point or exponent; NaN, the infinities and -0 as `{"$numberDouble": …}` |
 * | integer that the collection's rule gives back | a literal without point and exponent |
 * | any other integer | `{"$numberInt": …}`, `{"$numberLong": …}` |
 * | date in a field of times | an ISO string; a string there that looks like one as `{"$string": …}` |
 * | any other date | `{"$date": …}`: an ISO string from 1970 to 9999, else `{"$numberLong": …}` |
 * | ObjectId, UUID, other binary | `{"$oid": …}`, `{"$uuid": …}`, `{"$binary": {"base64": …, "subType": …}}` |
 * | decimal | `{"$numberDecimal": …}`; one that its text would not give back bit by bit `{"$decimal128": hex}` |
 *
 * Source: design, "SQLite".
 *
 * @module
 */

/** What is special of a field: it holds a time, an Int64 however small, or a map (or maps) with fields of its own. */
export type FieldRule = 'time' | 'int64' | FieldRules;

export interface FieldRules {
  readonly [field: string]: FieldRule;
}

export interface JsonForm {
  /** What an integer literal is: Int32 if it fits and Int64 otherwise, or always Int64. */
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

/** Classes that are stored as they come: all their integers are Int64. */
const plainForm: JsonForm = { integers: 'int64', fields: rules({ ingest }) };

/**
 * The form of a collection, by its name alone, so that every release and every command reads what another wrote:
 * `Span`, `LogRecord` and whatever ends so (a class prefix) are telemetry. Both forms lose nothing of any document;
 * each only reads best with its own.
 */
export function jsonFormOf(collection: string): JsonForm {
  return /(?:Span|LogRecord)$/u.test(collection) ? telemetryForm : plainForm;
}

/** The rule of a field inside something that has the rule `rule`. */
export function ruleOfField(rule: FieldRule | undefined, field: string): FieldRule | undefined {
  return typeof rule === 'object' ? rule[field] : undefined;
}

/** The rule of an array's elements. */
export function ruleOfElement(rule: FieldRule | undefined): FieldRule | undefined {
  return typeof rule === 'object' ? rule : undefined;
}

/** Whether a string is what `Date.prototype.toISOString` writes for a year from 0 to 9999. */
export function isIsoTime(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u.test(text)) return false;
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.toISOString() === text;
}

/** Whether an integer fits 32 bits. */
export function fitsInt32(value: bigint): boolean {
  return BigInt.asIntN(32, value) === value;
}

function rules(fields: FieldRules): FieldRules {
  // Without a prototype: a field may be called `constructor`.
  return Object.assign(Object.create(null) as FieldRules, fields);
}
