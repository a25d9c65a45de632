import assert from 'node:assert/strict';
import { InvalidOptionError } from '../../src/wire/telemetry-error.js';
import { classNamesFor, schemasFor } from '../../src/wire/schema.js';

const attributes = { attributes: 'mixed{}', attributesJson: 'string?' };
const resource = { resource: 'mixed{}', resourceJson: 'string?', resourceSchemaUrl: 'string?' };

describe('The wire contract', () => {
  it('is two asymmetric classes and three embedded ones, whose names and types never change', () => {
    assert.deepEqual(schemasFor(), [
      {
        name: 'Span',
        asymmetric: true,
        primaryKey: '_id',
        properties: {
          _id: 'objectId',
          ...{
            traceId: 'string?',
            spanId: 'string?',
            parentSpanId: 'string?',
            traceState: 'string?',
            flags: 'int?',
          },
          ...{ name: 'string?', kind: 'string?' },
          ...{ startTimeUnixNano: 'int?', endTimeUnixNano: 'int?', durationNano: 'int?' },
          ...{ statusCode: 'string?', statusMessage: 'string?' },
          ...attributes,
          ...{ events: 'SpanEvent[]', links: 'SpanLink[]' },
          ...{ droppedAttributesCount: 'int?', droppedEventsCount: 'int?', droppedLinksCount: 'int?' },
          ...resource,
          scope: 'InstrumentationScope?',
        },
      },
      {
        name: 'LogRecord',
        asymmetric: true,
        primaryKey: '_id',
        properties: {
          _id: 'objectId',
          ...{ timeUnixNano: 'int?', observedTimeUnixNano: 'int?' },
          ...{ traceId: 'string?', spanId: 'string?', flags: 'int?' },
          ...{ severityNumber: 'int?', severityText: 'string?' },
          ...{ body: 'mixed', bodyJson: 'string?', eventName: 'string?' },
          ...attributes,
          droppedAttributesCount: 'int?',
          ...resource,
          scope: 'InstrumentationScope?',
        },
      },
      {
        name: 'SpanEvent',
        embedded: true,
        properties: { name: 'string?', timeUnixNano: 'int?', ...attributes, droppedAttributesCount: 'int?' },
      },
      {
        name: 'SpanLink',
        embedded: true,
        properties: {
          ...{ traceId: 'string?', spanId: 'string?', traceState: 'string?', flags: 'int?' },
          ...attributes,
          droppedAttributesCount: 'int?',
        },
      },
      {
        name: 'InstrumentationScope',
        embedded: true,
        properties: {
          ...{ name: 'string?', version: 'string?', schemaUrl: 'string?' },
          ...attributes,
          droppedAttributesCount: 'int?',
        },
      },
    ]);
  });

  it('puts the prefix before every class, and into what refers to one', () => {
    const schemas = schemasFor({ classPrefix: 'Acme' });
    assert.deepEqual(
      schemas.map((schema) => schema.name),
      ['AcmeSpan', 'AcmeLogRecord', 'AcmeSpanEvent', 'AcmeSpanLink', 'AcmeInstrumentationScope'],
    );
    assert.equal(schemas[0]?.properties.events, 'AcmeSpanEvent[]');
    assert.equal(schemas[0].properties.links, 'AcmeSpanLink[]');
    assert.equal(schemas[1]?.properties.scope, 'AcmeInstrumentationScope?');
  });

  it('takes a prefix that any Realm class could begin with, and no other', () => {
    assert.equal(classNamesFor('A'.repeat(36)).instrumentationScope.length, 56);
    for (const classPrefix of ['A'.repeat(37), '1', '_a', 'a.b', 'ä', 'a b', 'class_\n', null, 7]) {
      assert.throws(
        () => schemasFor({ classPrefix: classPrefix as string }),
        (error) => error instanceof InvalidOptionError && error.option === 'classPrefix',
        String(classPrefix),
      );
    }
  });
});
