/**
 * A value inside a record, as Realm's `create` takes it. A number is a double where the property is a `mixed`, an integer
 * where it is an `int`; a bigint is within 64 bits. Objects are plain.
 */
export type RealmRecordValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly RealmRecordValue[]
  | { readonly [property: string]: RealmRecordValue };

/** A span or a log record, ready to be written as one asymmetric object. Nothing in it belongs to the app any more. */
export interface RealmRecord {
  readonly kind: 'span' | 'log';
  /** With the class prefix. */
  readonly className: string;
  /**
   * What `realm.create(className, values)` takes: `_id`, an ObjectId of the Realm's own BSON, and
   * {@link RealmRecordValue}s. Parts of it, as the resource, are shared by many records: not to be modified.
   */
  readonly values: Readonly<Record<string, unknown>>;
  /** Names the values that were dropped or changed, and says why. Mostly empty. */
  readonly notes: readonly string[];
  /**
   * About how many bytes the object's texts, keys and binaries take: to cut writes and to bound queues by. At most some
   * 16 MB, the size of a document that a store can take.
   */
  readonly sizeBytes: number;
}
