/**
 * What a Realm makes of a record on its way to the server, by the schema that it was opened with: each property in its
 * Realm type, in the schema's order, nothing for empty and absent values (sync protocol, section 10.1).
 */
import assert from 'node:assert/strict';
import { ObjectId } from 'bson';
import type { RealmObject, RealmScalar, RealmValue } from '../../src/changeset/realm-value.js';
import type { RealmRecord } from '../../../src/model/realm-record.js';
import { schemasFor } from '../../../src/wire/schema.js';

/** The object that a changeset would carry for a record. Asserts what the engine would refuse. */
export function sendRecord(record: RealmRecord, classPrefix = ''): RealmObject {
  const { _id: id, ...values } = record.values;
  assert.ok(id instanceof ObjectId);
  return {
    className: record.className,
    primaryKey: { type: 'objectId', value: id.id },
    properties: sendObject(record.className, values, classPrefix),
    place: 0,
  };
}

/** A value as a `mixed` of a JavaScript client carries it. */
export function sendMixed(value: unknown): RealmScalar {
  if (value === null) return { type: 'null' };
  if (typeof value === 'number') return { type: 'double', value };
  if (typeof value === 'bigint') return { type: 'int', value };
  if (typeof value === 'boolean') return { type: 'bool', value };
  if (typeof value === 'string') return { type: 'string', value: assertWellFormed(value) };
  assert.ok(value instanceof Uint8Array, 'a mixed takes scalars only before Realm 12.9');
  return { type: 'binary', value };
}

/** A `mixed{}`. */
export function sendDictionary(value: object): RealmValue {
  const entries = new Map<string, RealmValue>();
  for (const [key, element] of Object.entries(value)) {
    assert.ok(!key.includes('.') && !key.startsWith('$'), 'a key that Realm refuses');
    entries.set(assertWellFormed(key), sendMixed(element));
  }
  return { type: 'dictionary', entries };
}

function sendObject(className: string, values: object, classPrefix: string): Map<string, RealmValue> {
  const schema = schemasFor({ classPrefix }).find(({ name }) => name === className);
  assert.ok(schema, `class ${className}`);
  for (const name of Object.keys(values))
    assert.ok(name in schema.properties, `property ${className}.${name}`);
  const properties = new Map<string, RealmValue>();
  for (const [name, type] of Object.entries(schema.properties)) {
    const value = (values as Record<string, unknown>)[name];
    if (value === undefined) continue;
    const sent = sendProperty(type, value, classPrefix);
    if (sent !== undefined) properties.set(name, sent);
  }
  return properties;
}

function sendProperty(type: string, value: unknown, classPrefix: string): RealmValue | undefined {
  switch (type) {
    case 'mixed':
      return sendMixed(value);
    case 'mixed{}': {
      assert.ok(typeof value === 'object' && value !== null);
      return Object.keys(value).length > 0 ? sendDictionary(value) : undefined;
    }
    case 'string?':
      assert.ok(typeof value === 'string');
      return { type: 'string', value: assertWellFormed(value) };
    case 'int?':
      assert.ok(typeof value === 'bigint' || Number.isSafeInteger(value));
      return { type: 'int', value: BigInt(value as bigint | number) };
  }
  if (type.endsWith('[]')) {
    assert.ok(Array.isArray(value));
    const values = value.map((element) => sendEmbedded(type.slice(0, -2), element, classPrefix));
    return values.length > 0 ? { type: 'list', values } : undefined;
  }
  return sendEmbedded(type.slice(0, -1), value, classPrefix);
}

function sendEmbedded(className: string, value: unknown, classPrefix: string): RealmValue {
  assert.ok(typeof value === 'object' && value !== null);
  return { type: 'object', properties: sendObject(className, value, classPrefix) };
}

function assertWellFormed(text: string): string {
  assert.doesNotThrow(() => encodeURIComponent(text), 'a changeset is UTF-8');
  return text;
}
