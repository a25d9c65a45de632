/**
 * Bytes of a changeset → instructions.
 *
 * ```
 * changeset   = *(intern / instruction)
 * intern      = %x3F index:int length:int *OCTET
 * instruction = type:int table:str *field
 * ```
 *
 * Source: sync protocol, sections 9.2, 9.3 and 9.5.
 *
 * @module
 */
import { ChangesetError } from './changeset-error.js';
import type { AddColumn, AddTable, DeclaredCollection, Instruction, Path } from './instruction.js';
import { ValueReader } from './value-reader.js';

const internStringCode = 0x3f;

const collections: readonly DeclaredCollection[] = ['single', 'list', 'dictionary', 'set'];

/**
 * Parses a changeset lazily, one instruction at a time: a hostile changeset of millions of tiny instructions takes no
 * more memory than its bytes. It accepts the whole grammar, also instructions that asymmetric inserts never make. It needs
 * no schema, and names need not be declared.
 *
 * @param bytes - not copied: byte arrays in the instructions are views of it
 * @throws {@link ChangesetError} `bad-changeset`, during iteration, if the bytes are not a changeset
 */
export function* parseChangeset(bytes: Uint8Array): Generator<Instruction, void, undefined> {
  const values = new ValueReader(bytes);
  const reader = values.primitives;
  while (reader.remaining > 0) {
    const offset = reader.offset;
    const code = reader.int();
    if (code === internStringCode) values.internString();
    else yield parseInstruction(values, code, offset);
  }
}

function parseInstruction(values: ValueReader, code: number, offset: number): Instruction {
  switch (code) {
    case 0x00:
      return parseAddTable(values, offset);
    case 0x01:
      return { type: 'EraseTable', offset, table: values.str() };
    case 0x02:
      return { type: 'CreateObject', offset, table: values.str(), object: values.objectKey() };
    case 0x03:
      return { type: 'EraseObject', offset, table: values.str(), object: values.objectKey() };
    case 0x06:
      return parseAddColumn(values, offset);
    case 0x07:
      return { type: 'EraseColumn', offset, table: values.str(), field: values.str() };
    case 0x04:
    case 0x05:
    case 0x08:
    case 0x09:
    case 0x0a:
    case 0x0b:
    case 0x0c:
    case 0x0d:
      return parseFieldInstruction(values, code, offset);
    default:
      throw new ChangesetError('bad-changeset', offset, `unknown instruction ${code}`);
  }
}

/** `table:str key field:str path`, then the instruction's own fields. */
function parseFieldInstruction(values: ValueReader, code: number, offset: number): Instruction {
  const reader = values.primitives;
  const table = values.str();
  const object = values.objectKey();
  const field = values.str();
  const path = values.path();
  switch (code) {
    case 0x04: {
      const value = values.payload();
      const isInList = endsInIndex(path);
      const priorSize = isInList ? reader.uint32('prior size') : undefined;
      const isDefault = isInList ? undefined : reader.bool('is default');
      return { type: 'Update', offset, table, object, field, path, value, priorSize, isDefault };
    }
    case 0x05:
      return { type: 'AddInteger', offset, table, object, field, path, value: reader.int64() };
    case 0x0b: {
      const collection = reader.uint32('collection of Clear');
      return { type: 'Clear', offset, table, object, field, path, collection };
    }
    case 0x0c:
      return { type: 'SetInsert', offset, table, object, field, path, value: values.payload() };
    case 0x0d:
      return { type: 'SetErase', offset, table, object, field, path, value: values.payload() };
  }
  if (!endsInIndex(path)) {
    throw new ChangesetError(
      'bad-changeset',
      offset,
      `instruction ${code} with a path that does not end in an index`,
    );
  }
  switch (code) {
    case 0x08: {
      const value = values.payload();
      const priorSize = reader.uint32('prior size');
      return { type: 'ArrayInsert', offset, table, object, field, path, value, priorSize };
    }
    case 0x09: {
      const toIndex = reader.uint32('index to move to');
      const priorSize = reader.uint32('prior size');
      return { type: 'ArrayMove', offset, table, object, field, path, toIndex, priorSize };
    }
    default: {
      const priorSize = reader.uint32('prior size');
      return { type: 'ArrayErase', offset, table, object, field, path, priorSize };
    }
  }
}

/** `table:str kind:int [pk_field:str pk_type:int pk_nullable:bool]`; an embedded class has no primary key. */
function parseAddTable(values: ValueReader, offset: number): AddTable {
  const reader = values.primitives;
  const table = values.str();
  const kind = reader.int();
  if (kind === 1) return { type: 'AddTable', offset, table, kind: 'embedded', primaryKey: undefined };
  if (kind !== 0 && kind !== 2) {
    throw new ChangesetError('bad-changeset', offset, `unknown kind of table ${kind}`);
  }
  return {
    type: 'AddTable',
    offset,
    table,
    kind: kind === 0 ? 'top-level' : 'asymmetric',
    primaryKey: {
      field: values.str(),
      type: values.declaredType(),
      nullable: reader.bool('whether a primary key is nullable'),
    },
  };
}

/** `table:str field:str type:int nullable:bool collection:int [target:str] [key_type:int]` */
function parseAddColumn(values: ValueReader, offset: number): AddColumn {
  const reader = values.primitives;
  const table = values.str();
  const field = values.str();
  const columnType = values.declaredType();
  const nullable = reader.bool('whether a column is nullable');
  const collectionCode = reader.int();
  const collection = collections[collectionCode];
  if (collection === undefined) {
    throw new ChangesetError('bad-changeset', offset, `unknown kind of collection ${collectionCode}`);
  }
  const target = columnType === 'link' ? values.str() : undefined;
  const keyType = collection === 'dictionary' ? values.declaredType() : undefined;
  return { type: 'AddColumn', offset, table, field, columnType, nullable, collection, target, keyType };
}

function endsInIndex(path: Path): boolean {
  return path.length > 0 && typeof path[path.length - 1] === 'number';
}
