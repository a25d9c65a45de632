import { describeCause } from '../connection-error.js';
import type { NativeRealm } from './realm-types.js';
import { transact } from './transaction.js';

/** A record on its way into a Realm: what `realm.create(className, values)` takes, and about how large it is. */
export interface WritableRecord {
  readonly kind: string;
  readonly className: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly sizeBytes: number;
}

/** What became of the records of one slice, which were the first ones of those offered. */
export interface SliceResult {
  /** Records that were dealt with, whether stored or failed; at least one. */
  readonly taken: number;
  /** Of them, those that are committed. */
  readonly stored: number;
  /** What those take, by their own sizes. */
  readonly storedBytes: number;
  /** Why the others were not; they can never be stored here. */
  readonly error?: unknown;
}

/** A Realm that records can be committed to, slice by slice. */
export interface Destination {
  /** Whether a transaction of somebody else's is open, inside which ours would throw. */
  readonly isBusy: boolean;
  /**
   * Commits the first records in one transaction, as many as do not hold the event loop for more than some milliseconds.
   *
   * @param maxCount - at most so many
   * @throws RefusedRecordError if Realm takes one of them in no transaction, as one of a class that it does not have
   * @throws whatever else Realm throws, as on a full disk; either way nothing of the slice is stored
   */
  storeSlice(records: readonly WritableRecord[], from: number, maxCount: number): SliceResult;
}

/** Realm's `create` threw: the record is at fault, and not the Realm. */
export class RefusedRecordError extends Error {
  /** Its place in the slice. */
  readonly index: number;

  constructor(index: number, cause: unknown) {
    super(describeCause(cause), { cause });
    this.name = 'RefusedRecordError';
    this.index = index;
  }
}

/** How long the calls of `create` in one transaction should take, in milliseconds. */
const SLICE_MILLIS = 3;
const MAX_SLICE_RECORDS = 512;
/** A transaction becomes one changeset, which the server takes whole. */
const MAX_SLICE_BYTES = 1024 * 1024;

/**
 * Finds how many records fit into one slice on this machine: more after quick slices, fewer after slow ones.
 *
 * Only the time inside the transaction counts. The commit costs the same for one record as for many (a flush to the disk),
 * so that smaller slices would only make more of them.
 */
export class SliceSize {
  #records = 8;

  /** How many of the records from `from` on make the next slice; at least one. */
  fit(records: readonly { readonly sizeBytes: number }[], from: number, maxCount: number): number {
    const limit = Math.min(maxCount, this.#records, records.length - from);
    let count = 0;
    let bytes = 0;
    while (count < limit) {
      bytes += records[from + count]?.sizeBytes ?? 0;
      if (count > 0 && bytes > MAX_SLICE_BYTES) break;
      count += 1;
    }
    return count;
  }

  /** Learns from a slice. */
  learn(records: number, millis: number): void {
    if (millis > SLICE_MILLIS) this.#records = Math.max(1, Math.floor(this.#records / 2));
    else if (millis < SLICE_MILLIS / 2 && records >= this.#records) {
      this.#records = Math.min(MAX_SLICE_RECORDS, this.#records * 2);
    }
  }
}

/**
 * Commits one slice to a Realm with `create` calls alone, and learns how long they took.
 *
 * @throws RefusedRecordError, and what the transaction itself throws
 */
export function commitSlice(
  realm: NativeRealm,
  size: SliceSize,
  objects: readonly { readonly className: string; readonly values: Readonly<Record<string, unknown>> }[],
): void {
  let millis = 0;
  transact(realm, () => {
    const start = performance.now();
    for (const [index, { className, values }] of objects.entries()) {
      try {
        realm.create(className, values);
      } catch (cause) {
        throw new RefusedRecordError(index, cause);
      }
    }
    millis = performance.now() - start;
  });
  size.learn(objects.length, millis);
}

/** A Realm that knows the records' own classes. */
export class RealmDestination implements Destination {
  readonly #realm: NativeRealm;
  readonly #size = new SliceSize();

  constructor(realm: NativeRealm) {
    this.#realm = realm;
  }

  get isBusy(): boolean {
    return this.#realm.isInTransaction;
  }

  storeSlice(records: readonly WritableRecord[], from: number, maxCount: number): SliceResult {
    const count = this.#size.fit(records, from, maxCount);
    const slice = records.slice(from, from + count);
    commitSlice(this.#realm, this.#size, slice);
    const storedBytes = slice.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
    return { taken: count, stored: count, storedBytes };
  }
}
