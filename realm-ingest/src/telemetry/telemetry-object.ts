import { Int32 } from 'bson';
import type { RealmValue } from '../changeset/realm-value.js';
import type { Document, DocumentValue } from '../store/document.js';
import { claimField } from './claim-field.js';
import { emptyDocument, toDate, toDocumentValue } from './document-value.js';
import { parseAttributesJson, parseBodyJson } from './extended-json-parser.js';
import { nestNames } from './field-names.js';
import type { TelemetryField, TelemetryFields } from './telemetry-fields.js';
import { decodeEntries, toTelemetryValue } from './telemetry-value.js';

type Properties = ReadonlyMap<string, RealmValue>;

/**
 * Fills a document, or a part of one, from an object of one of our classes.
 *
 * Properties that our exporters do not write so (of another type, from a newer exporter, with other text) are stored
 * unchanged under their own names: nothing is lost or refused.
 *
 * @param isReserved - whether a field name belongs to the server
 * @throws UnstorableValueError
 */
export function fillFromObject(
  document: Document,
  properties: Properties,
  fields: TelemetryFields,
  isReserved: (name: string) => boolean = () => false,
): void {
  for (const field of fields.inOrder) fill(document, properties, field);
  for (const [name, value] of properties) {
    if (fields.properties.has(name)) continue;
    addUnchanged(document, name, value, (taken) => isReserved(taken) || fields.derived.has(taken));
  }
}

/**
 * Adds a property unchanged, under its own name unless that is taken.
 *
 * @param isReserved - whether a field name belongs to the server
 * @throws UnstorableValueError
 */
export function addUnchanged(
  document: Document,
  name: string,
  value: RealmValue,
  isReserved: (name: string) => boolean,
): void {
  const field = claimField(name, (candidate) => isReserved(candidate) || candidate in document);
  document[field] = toDocumentValue(value);
}

function fill(document: Document, properties: Properties, field: TelemetryField): void {
  if (field.kind === 'date') {
    const nanos = properties.get(field.source);
    if (nanos?.type === 'int') document[field.name] = toDate(nanos.value);
  } else if (field.kind === 'attributes') {
    fillAttributes(document, field.name, properties);
  } else if (field.kind === 'anyValue') {
    fillAnyValue(document, field.name, properties);
  } else {
    const value = present(properties.get(field.name));
    if (value !== undefined) document[field.name] = convert(value, field);
  }
}

function convert(
  value: RealmValue,
  field: Exclude<TelemetryField, { kind: 'date' | 'attributes' | 'anyValue' }>,
): DocumentValue {
  if (field.kind === 'int32' && value.type === 'int' && BigInt.asIntN(32, value.value) === value.value) {
    return new Int32(Number(value.value));
  }
  if (field.kind === 'object') return toPart(value, field.fields);
  if (field.kind === 'objects' && value.type === 'list') {
    return value.values.map((element) => toPart(element, field.fields));
  }
  return toDocumentValue(value);
}

/** An event, a link, a scope. */
function toPart(value: RealmValue, fields: TelemetryFields): DocumentValue {
  if (value.type !== 'object') return toDocumentValue(value);
  const part = emptyDocument();
  fillFromObject(part, value.properties, fields);
  return part;
}

function fillAttributes(document: Document, name: string, properties: Properties): void {
  const value = present(properties.get(name));
  const json = present(properties.get(`${name}Json`));
  const isDictionary = value === undefined || value.type === 'dictionary';
  let rest = json;
  if (!isDictionary) document[name] = toDocumentValue(value);
  else {
    const entries = value === undefined ? new Map<string, DocumentValue>() : decodeEntries(value.entries, 1);
    const collections = json?.type === 'string' ? parseAttributesJson(json.value) : undefined;
    if (collections !== undefined && !shareNames(entries, collections)) {
      for (const [key, collection] of collections) entries.set(key, collection);
      rest = undefined;
    }
    if (entries.size > 0) document[name] = nestNames(entries);
  }
  if (rest !== undefined) document[`${name}Json`] = toDocumentValue(rest);
}

function fillAnyValue(document: Document, name: string, properties: Properties): void {
  const value = properties.get(name);
  const json = present(properties.get(`${name}Json`));
  if (json?.type === 'string' && present(value) === undefined) {
    const collection = parseBodyJson(json.value);
    if (collection !== undefined) {
      document[name] = collection;
      return;
    }
  }
  if (value !== undefined) document[name] = toTelemetryValue(value);
  if (json !== undefined) document[`${name}Json`] = toDocumentValue(json);
}

/** In the fixed properties, null means absent: some clients send null for omitted properties. */
function present(value: RealmValue | undefined): RealmValue | undefined {
  return value?.type === 'null' ? undefined : value;
}

function shareNames(some: ReadonlyMap<string, unknown>, others: ReadonlyMap<string, unknown>): boolean {
  for (const name of others.keys()) if (some.has(name)) return true;
  return false;
}
