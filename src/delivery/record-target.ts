/**
 * Where exporters put finished records: the one interface between the exporters and a connection.
 *
 * A connection is such a target, and {@link targetForRealm} makes one of a Realm that the app opened itself. Behind it
 * lie serialisation, slices, and the choice between the synced Realm and the spool; in front of it lie mapping, the
 * results of exports and the processors' life cycle.
 *
 * @module
 */

import type { ExporterError } from '../errors.js';
import type { RealmRecord } from '../model/realm-record.js';
import type { ObjectIdConstructor } from '../realm/realm-types.js';

/** What became of one `write`. `stored + failed` is the number of records that it was given. */
export interface WriteOutcome {
  /** Records whose transaction is committed: on disk, where the engine has one. */
  readonly stored: number;
  /** Records that were not stored. They are counted by the target under their reason; the caller does not count again. */
  readonly failed: number;
  /** Why records were not stored: the last error, its message says how many. Present if and only if `failed > 0`. */
  readonly error?: ExporterError;
}

/** A destination of records. No method throws, and no promise of it ever rejects. */
export interface RecordTarget {
  /** The class that `_id`s are made with: the Realm's own, since a Realm takes no other's instances. */
  readonly ObjectId: ObjectIdConstructor;
  /** The prefix of the classes that this target's Realm knows, `''` for none. */
  readonly classPrefix: string;

  /**
   * Stores records, in their order and after those of every earlier call. Calls may overlap.
   *
   * Resolves when each record is committed locally or given up; never waits for a network. Work is done in slices that
   * leave the event loop to others in between. After the last `release`, every record fails.
   *
   * @param records - owned by the target until the promise is settled; not modified
   */
  write(records: readonly RealmRecord[]): Promise<WriteOutcome>;

  /**
   * Counts records that never reached `write`, so that the status knows of every record that was dropped.
   *
   * @param reason - a stable word, as in `unmappable-record`
   */
  countDropped(reason: string, count: number): void;

  /** Notes that one more exporter writes here. Each `retain` is matched by one `release`. */
  retain(): void;

  /**
   * Notes that an exporter has shut down. The last one to go waits within the bound until the server has acknowledged
   * everything, if the session is connected or is just trying to for the first time, then closes what the target itself
   * opened (never an app's Realm).
   *
   * @param timeoutMillis - bound of the whole call
   */
  release(timeoutMillis: number): Promise<void>;
}

/**
 * The key under which a connection carries its target. A registered symbol: an exporter of the CommonJS build may be
 * given a connection of the ESM build.
 */
export const recordTarget: unique symbol = Symbol.for('opentelemetry-exporter-realm.record-target') as never;

/** An object that carries a {@link RecordTarget}; every connection is one. */
export interface HasRecordTarget {
  readonly [recordTarget]: RecordTarget;
}
