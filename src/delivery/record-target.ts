/**
 * The one interface between exporters and a connection.
 *
 * A connection is a record target, and {@link targetForRealm} makes one from a Realm that the app has opened. The exporters
 * map telemetry to records, report results, and follow the processors' life cycle. The target orders the writes, cuts them
 * into slices, and chooses between the synced Realm and the spool.
 *
 * @module
 */

import type { ExporterError } from '../errors.js';
import type { RealmRecord } from '../model/realm-record.js';
import type { ObjectIdConstructor } from '../realm/realm-types.js';

/** The outcome of one `write`. `stored + failed` is the number of records that it was given. */
export interface WriteOutcome {
  /** Records whose transaction is committed: on disk, if the engine has files. */
  readonly stored: number;
  /** Records that were not stored. The target counts them by reason, so the caller must not. */
  readonly failed: number;
  /** The last error. Its message says how many records were not stored. Present if and only if `failed > 0`. */
  readonly error?: ExporterError;
}

/** Stores records. No method throws, and no promise rejects. */
export interface RecordTarget {
  /** The class of `_id`s: the Realm's own, because a Realm refuses instances of other classes. */
  readonly ObjectId: ObjectIdConstructor;
  /** Prefix of the class names in this target's Realm, or `''`. */
  readonly classPrefix: string;

  /**
   * Stores records, in their order and after those of every earlier call. Calls may overlap.
   *
   * Resolves when each record is committed locally or given up; never waits for a network. Works in slices, with a turn of
   * the event loop between two slices. After the last `release`, every record fails.
   *
   * @param records - must not change until the promise is settled; the target does not modify them
   */
  write(records: readonly RealmRecord[]): Promise<WriteOutcome>;

  /**
   * Counts records that were dropped before `write`, so that the status counts every dropped record.
   *
   * @param reason - a stable word, such as `unmappable-record`
   */
  countDropped(reason: string, count: number): void;

  /** One more exporter uses the target. Each `retain` needs one `release`. */
  retain(): void;

  /**
   * An exporter has shut down. The last `release` waits until the server has acknowledged everything, if the sync session is
   * connected or makes its first attempt. Then it closes the files that the target has opened, never an app's Realm.
   *
   * @param timeoutMillis - the longest time that the whole call takes
   */
  release(timeoutMillis: number): Promise<void>;
}

/**
 * The key of a connection's target. It is a registered symbol, because an exporter of the CommonJS build may get a
 * connection of the ESM build.
 */
export const recordTarget: unique symbol = Symbol.for('opentelemetry-exporter-realm.record-target') as never;

/** An object with a {@link RecordTarget}. Every connection is one. */
export interface HasRecordTarget {
  readonly [recordTarget]: RecordTarget;
}
