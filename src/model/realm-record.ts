/** A span or a log record, ready to be written as one asymmetric object. It shares no object with the app. */
export interface RealmRecord {
  readonly kind: 'span' | 'log';
  /** The name of the Realm class, with its prefix. */
  readonly className: string;
  /**
   * The second argument of `realm.create(className, values)`: `_id`, an ObjectId of the Realm's own BSON, and null,
   * booleans, numbers, 64-bit bigints, strings, Uint8Arrays, arrays and plain objects. A number becomes a double in a
   * `mixed` and an integer in an `int`. Never modify it: many records share parts such as the resource.
   */
  readonly values: Readonly<Record<string, unknown>>;
  /** One line for each value that was dropped or changed, with the reason. Usually empty. */
  readonly notes: readonly string[];
  /**
   * Approximate size of the object's texts, keys and binaries in bytes, at most about 16 MB, the limit of a document. Used
   * to size transactions and bound queues.
   */
  readonly sizeBytes: number;
}
