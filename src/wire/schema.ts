/**
 * The Realm classes of layout `documents`: the contract between the exporters and any server that stores their records.
 *
 * Names of classes and properties never change, and properties are never removed, because devices with older files come
 * back after months. Properties have the names of the documents' fields. Times are 64-bit nanoseconds; the server adds
 * the Dates. Arrays and maps, which a `mixed` cannot hold on every Realm version, travel in the `…Json` string beside
 * their dictionary.
 *
 * @module
 */
import { InvalidOptionError } from './telemetry-error.js';

/** A Realm object schema, as a plain object that every Realm version accepts. */
export interface RecordSchema {
  name: string;
  primaryKey?: string;
  asymmetric?: boolean;
  embedded?: boolean;
  properties: Record<string, string>;
}

/** The names of our classes, with their prefix. */
export interface ClassNames {
  readonly span: string;
  readonly logRecord: string;
  readonly spanEvent: string;
  readonly spanLink: string;
  readonly instrumentationScope: string;
}

/** Realm limits class names to 57 characters; our longest has 20. */
const classPrefixPattern = /^(?:[A-Za-z][A-Za-z0-9_]{0,35})?$/;

/**
 * The names of our classes under a prefix.
 *
 * @param classPrefix - `''` for none; `Acme` makes `AcmeSpan`
 * @throws InvalidOptionError if the name of a Realm class cannot begin with the prefix
 */
export function classNamesFor(classPrefix = ''): ClassNames {
  if (typeof classPrefix !== 'string' || !classPrefixPattern.test(classPrefix)) {
    throw new InvalidOptionError(
      'classPrefix',
      classPrefix,
      'at most 36 letters, digits and underscores that begin with a letter',
    );
  }
  return {
    span: `${classPrefix}Span`,
    logRecord: `${classPrefix}LogRecord`,
    spanEvent: `${classPrefix}SpanEvent`,
    spanLink: `${classPrefix}SpanLink`,
    instrumentationScope: `${classPrefix}InstrumentationScope`,
  };
}

/**
 * The schemas with which a Realm must be opened to store our records: two asymmetric and three embedded classes.
 *
 * @throws InvalidOptionError if the name of a Realm class cannot begin with the prefix
 */
export function schemasFor(options: { classPrefix?: string } = {}): RecordSchema[] {
  const names = classNamesFor(options.classPrefix);
  return [
    {
      name: names.span,
      asymmetric: true,
      primaryKey: '_id',
      properties: {
        _id: 'objectId',
        traceId: 'string?',
        spanId: 'string?',
        parentSpanId: 'string?',
        traceState: 'string?',
        flags: 'int?',
        name: 'string?',
        kind: 'string?',
        startTimeUnixNano: 'int?',
        endTimeUnixNano: 'int?',
        durationNano: 'int?',
        statusCode: 'string?',
        statusMessage: 'string?',
        attributes: 'mixed{}',
        attributesJson: 'string?',
        events: `${names.spanEvent}[]`,
        links: `${names.spanLink}[]`,
        droppedAttributesCount: 'int?',
        droppedEventsCount: 'int?',
        droppedLinksCount: 'int?',
        resource: 'mixed{}',
        resourceJson: 'string?',
        resourceSchemaUrl: 'string?',
        scope: `${names.instrumentationScope}?`,
      },
    },
    {
      name: names.logRecord,
      asymmetric: true,
      primaryKey: '_id',
      properties: {
        _id: 'objectId',
        timeUnixNano: 'int?',
        observedTimeUnixNano: 'int?',
        traceId: 'string?',
        spanId: 'string?',
        flags: 'int?',
        severityNumber: 'int?',
        severityText: 'string?',
        body: 'mixed',
        bodyJson: 'string?',
        eventName: 'string?',
        attributes: 'mixed{}',
        attributesJson: 'string?',
        droppedAttributesCount: 'int?',
        resource: 'mixed{}',
        resourceJson: 'string?',
        resourceSchemaUrl: 'string?',
        scope: `${names.instrumentationScope}?`,
      },
    },
    {
      name: names.spanEvent,
      embedded: true,
      properties: {
        name: 'string?',
        timeUnixNano: 'int?',
        attributes: 'mixed{}',
        attributesJson: 'string?',
        droppedAttributesCount: 'int?',
      },
    },
    {
      name: names.spanLink,
      embedded: true,
      properties: {
        traceId: 'string?',
        spanId: 'string?',
        traceState: 'string?',
        flags: 'int?',
        attributes: 'mixed{}',
        attributesJson: 'string?',
        droppedAttributesCount: 'int?',
      },
    },
    {
      name: names.instrumentationScope,
      embedded: true,
      properties: {
        name: 'string?',
        version: 'string?',
        schemaUrl: 'string?',
        attributes: 'mixed{}',
        attributesJson: 'string?',
        droppedAttributesCount: 'int?',
      },
    },
  ];
}
