/**
 * The instructions of a changeset, as values. Names are those of the protocol.
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

/** Which object of its table. Equal keys of neighbouring instructions are one and the same JavaScript object. */
export type ObjectKey = RealmPrimaryKey | GlobalKey;

/** Payloads without data, which say what begins to exist at a place, or (Erased) ceases to. */
export type Marker =
  | { readonly type: 'ObjectValue' }
  | { readonly type: 'Dictionary' }
  | { readonly type: 'Erased' }
  | { readonly type: 'List' }
  | { readonly type: 'Set' };

/** What an instruction puts somewhere. */
export type Payload =
  | Exclude<RealmScalar, { type: 'link' }>
  | { readonly type: 'link'; readonly className: string; readonly primaryKey: ObjectKey }
  | Marker;

/** The way from a property inwards: names of fields or keys of dictionaries, and indexes of lists. */
export type Path = readonly (string | number)[];

/** What a column or a primary key may be declared as. */
export type DeclaredType =
  Exclude<RealmScalar['type'], 'null'> | GlobalKey['type'] | Marker['type'] | 'mixed';

/** Where a column holds more than one value. */
export type DeclaredCollection = 'single' | 'list' | 'dictionary' | 'set';

/** What every instruction has. */
interface InTable {
  /** Of the type byte, in bytes from the changeset's start. */
  readonly offset: number;
  /** The class, without Realm's own prefix `class_`. */
  readonly table: string;
}

/** What every instruction about one object has. */
interface InObject extends InTable {
  readonly object: ObjectKey;
}

/** What every instruction about a place within an object has. */
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
  /** How long the list was; undefined unless the path ends in an index. */
  readonly priorSize: number | undefined;
  /** Undefined where the path ends in an index. */
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
  /** The class that a link leads to, or that is embedded. */
  readonly target: string | undefined;
  /** Of a dictionary. */
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
  /** 0 up to core 13; from 14 on 1 for a list, 2 for a dictionary, 3 for a set. */
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

/** Interned strings are resolved; the instructions that declare them are not given. */
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
