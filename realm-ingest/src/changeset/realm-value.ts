/**
 * Values and objects of a changeset, each with its Realm type; nothing is converted or rounded.
 *
 * Source: sync protocol, section 9.4 (payloads).
 *
 * @module
 */

/** A value without parts. Byte arrays are views of the changeset: copy them to keep them longer. */
export type RealmScalar =
  | { readonly type: 'null' }
  | { readonly type: 'int'; readonly value: bigint }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'binary'; readonly value: Uint8Array }
  /** `seconds` since 1970 in 64 bits; `nanoseconds` from -999,999,999 to 999,999,999, of the same sign. */
  | { readonly type: 'timestamp'; readonly seconds: bigint; readonly nanoseconds: number }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'double'; readonly value: number }
  /** The 16 bytes of BSON's decimal128: little endian, low half first. */
  | { readonly type: 'decimal128'; readonly value: Uint8Array }
  /** 12 bytes. */
  | { readonly type: 'objectId'; readonly value: Uint8Array }
  /** 16 bytes. */
  | { readonly type: 'uuid'; readonly value: Uint8Array }
  | { readonly type: 'link'; readonly className: string; readonly primaryKey: RealmPrimaryKey };

/** A primary key. */
export type RealmPrimaryKey = Extract<RealmScalar, { type: 'null' | 'int' | 'string' | 'objectId' | 'uuid' }>;

/** A property's value, or a collection's element. */
export type RealmValue =
  | RealmScalar
  | { readonly type: 'list'; readonly values: readonly RealmValue[] }
  | { readonly type: 'set'; readonly values: readonly RealmValue[] }
  | { readonly type: 'dictionary'; readonly entries: ReadonlyMap<string, RealmValue> }
  /** An embedded object. */
  | { readonly type: 'object'; readonly properties: ReadonlyMap<string, RealmValue> };

/** One object that a changeset creates. */
export interface RealmObject {
  readonly className: string;
  /** The value of `_id`. Changesets carry no name for the primary key; Data Ingest requires `_id`. */
  readonly primaryKey: RealmPrimaryKey;
  /** In the order of writing. Empty collections and omitted properties are absent. */
  readonly properties: ReadonlyMap<string, RealmValue>;
  /** The number of its CreateObject in the changeset, from 0. With the changeset's bytes, it identifies the object. */
  readonly place: number;
}
