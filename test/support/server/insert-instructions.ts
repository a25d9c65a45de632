/**
 * What the Realm engine writes when an asymmetric object is created: protocol page, sections 10.1 and 10.4.
 *
 * @module
 */
import type { Payload, Path } from '../../../realm-ingest/src/changeset/instruction.js';
import type { RealmPrimaryKey, RealmValue } from '../../../realm-ingest/src/changeset/realm-value.js';
import type { NewInstruction } from './naive-codec.js';

/** An object to create. */
export interface NewObject {
  readonly className: string;
  readonly primaryKey: RealmPrimaryKey;
  readonly properties: ReadonlyMap<string, RealmValue>;
}

/** CreateObject, then the properties in order. Collections that are properties of an object are not announced. */
export function insertInstructions({ className, primaryKey, properties }: NewObject): NewInstruction[] {
  const common = { table: className, object: primaryKey };
  const instructions: NewInstruction[] = [{ type: 'CreateObject', ...common }];
  for (const [field, value] of properties) writeProperty(field, [], value);
  return instructions;

  function update(field: string, path: Path, value: Payload): void {
    instructions.push({
      type: 'Update',
      ...common,
      field,
      path,
      value,
      priorSize: undefined,
      isDefault: false,
    });
  }

  function insert(field: string, path: Path, index: number, value: Payload): void {
    instructions.push({
      type: 'ArrayInsert',
      ...common,
      field,
      path: [...path, index],
      value,
      priorSize: index,
    });
  }

  function writeProperty(field: string, path: Path, value: RealmValue): void {
    if (value.type === 'list' || value.type === 'dictionary' || value.type === 'set') {
      writeElements(field, path, value);
    } else {
      update(field, path, announcement(value));
      writeFields(field, path, value);
    }
  }

  function writeElements(field: string, path: Path, value: RealmValue): void {
    if (value.type === 'list') {
      value.values.forEach((element, index) => {
        insert(field, path, index, announcement(element));
        writeInside(field, [...path, index], element);
      });
    } else if (value.type === 'dictionary') {
      for (const [key, element] of value.entries) {
        update(field, [...path, key], announcement(element));
        writeInside(field, [...path, key], element);
      }
    } else if (value.type === 'set') {
      for (const element of value.values) {
        instructions.push({ type: 'SetInsert', ...common, field, path, value: announcement(element) });
      }
    }
  }

  /** Behind the announcement of an element of a collection. */
  function writeInside(field: string, path: Path, value: RealmValue): void {
    if (value.type === 'list' || value.type === 'dictionary') {
      instructions.push({ type: 'Clear', ...common, field, path, collection: value.type === 'list' ? 1 : 2 });
      writeElements(field, path, value);
    } else {
      writeFields(field, path, value);
    }
  }

  function writeFields(field: string, path: Path, value: RealmValue): void {
    if (value.type !== 'object') return;
    for (const [name, inner] of value.properties) writeProperty(field, [...path, name], inner);
  }
}

function announcement(value: RealmValue): Payload {
  if (value.type === 'object') return { type: 'ObjectValue' };
  if (value.type === 'list') return { type: 'List' };
  if (value.type === 'dictionary') return { type: 'Dictionary' };
  return value.type === 'set' ? { type: 'Set' } : value;
}
