/**
 * The instructions of a changeset, as values, named as in the protocol.
 *
 * Source: sync protocol, sections 9.3 and 9.4.
 *
 * @module
 */
import type { RealmPrimaryKey, RealmScalar } from './realm-value.js';

/** The key of an object without a primary key. Objects of asymmetric classes always have one. */
export interface GlobalKey {
  readonly type: 'globalKey';
  readonly high: bigint;
  readonly low: bigint;
}

/** The object within its table. Equal keys of consecutive instructions are the same JavaScript object. */
export type ObjectKey = RealmPrimaryKey | GlobalKey;

/** Payloads without data: they create a container or an embedded object, or (Erased) remove an entry. */
export type Marker =
  | { readonly type: 'ObjectValue' }
  | { readonly type: 'Dictionary' }
  | { readonly type: 'Erased' }
  | { readonly type: 'List' }
  | { readonly type: 'Set' };

/** The value that an instruction writes. */
export type Payload =
  | Exclude<RealmScalar, { type: 'link' }>
  | { readonly type: 'link'; readonly className: string; readonly primaryKey: ObjectKey }
  | Marker;

/** The path from a property inwards: field names or dictionary keys, and list indexes. */
export type Path = readonly (string | number)[];

/** The declared type of a column or a primary key. */
export type DeclaredType =
  Exclude<RealmScalar['type'], 'null'> | GlobalKey['type'] | Marker['type'] | 'mixed';

/** The declared collection of a column. */
export type DeclaredCollection = 'single' | 'list' | 'dictionary' | 'set';

/** Fields of every instruction. */
interface InTable {
  /** Offset of the type byte, from the changeset's start. */
  readonly offset: number;
  /** The class, without Realm's own prefix `class_`. */
  readonly table: string;
}

/** Fields of every instruction for one object. */
interface InObject extends InTable {
  readonly object: ObjectKey;
}

/** Fields of every instruction for a value within an object. */
interface InField extends InObject {
  readonly field: string;
  readonly path: Path;
}

export interface AddTable extends InTable {
  readonly type: 'AddTable';
  readonly kind: 'top-level' | 'embedded' | 'asymmetric';
  /** Undefined for embedded classes. */
  readonly primaryKey:
    { readonly field: string; readonly type: DeclaredType; readonly nullable: boolean } | undefined;
}

export interface EraseTable extends InTable {
  readonly type: 'EraseTable';
}

export interface CreateObject extends InObject {
  readonly type: 'CreateObject';
}

export interface EraseObject extends InObject {
  readonly type: 'EraseObject';
}

export interface Update extends InField {
  readonly type: 'Update';
  readonly value: Payload;
  /** The list's length before; undefined unless the path ends in an index. */
  readonly priorSize: number | undefined;
  /** Undefined if the path ends in an index. */
  readonly isDefault: boolean | undefined;
}

export interface AddInteger extends InField {
  readonly type: 'AddInteger';
  readonly value: bigint;
}

export interface AddColumn extends InTable {
  readonly type: 'AddColumn';
  readonly field: string;
  readonly columnType: DeclaredType;
  readonly nullable: boolean;
  readonly collection: DeclaredCollection;
  /** The linked or embedded class. */
  readonly target: string | undefined;
  /** Only for a dictionary. */
  readonly keyType: DeclaredType | undefined;
}

export interface EraseColumn extends InTable {
  readonly type: 'EraseColumn';
  readonly field: string;
}

export interface ArrayInsert extends InField {
  readonly type: 'ArrayInsert';
  readonly value: Payload;
  readonly priorSize: number;
}

export interface ArrayMove extends InField {
  readonly type: 'ArrayMove';
  readonly toIndex: number;
  readonly priorSize: number;
}

export interface ArrayErase extends InField {
  readonly type: 'ArrayErase';
  readonly priorSize: number;
}

export interface Clear extends InField {
  readonly type: 'Clear';
  /** 0 up to core 13; since 14: 1 list, 2 dictionary, 3 set. */
  readonly collection: number;
}

export interface SetInsert extends InField {
  readonly type: 'SetInsert';
  readonly value: Payload;
}

export interface SetErase extends InField {
  readonly type: 'SetErase';
  readonly value: Payload;
}

/** Interned strings are already resolved; InternString itself is not among the instructions. */
export type Instruction =
  | AddTable
  | EraseTable
  | CreateObject
  | EraseObject
  | Update
  | AddInteger
  | AddColumn
  | EraseColumn
  | ArrayInsert
  | ArrayMove
  | ArrayErase
  | Clear
  | SetInsert
  | SetErase;
