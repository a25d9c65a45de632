import { describeCause } from '../connection-error.js';
import type { NativeRealm } from './realm-types.js';
import { transact } from './transaction.js';

/** A record for a Realm: the arguments of `realm.create(className, values)`, and its approximate size. */
export interface WritableRecord {
  readonly kind: string;
  readonly className: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly sizeBytes: number;
}

/** The outcome of one slice: the first records of those that were given. */
export interface SliceResult {
  /** Records in the slice, stored or failed; at least one. */
  readonly taken: number;
  /** Records of the slice that are committed. */
  readonly stored: number;
  /** The sizes of the committed records. */
  readonly storedBytes: number;
  /** Why the others failed. They can never be stored in this destination. */
  readonly error?: unknown;
}

/** A Realm to which records are committed, slice by slice. */
export interface Destination {
  /** Whether a transaction of the app is open. A transaction of ours would throw inside it. */
  readonly isBusy: boolean;
  /**
   * Commits the first records in one transaction: as many as block the event loop for some milliseconds at most.
   *
   * @param maxCount - the most records to commit
   * @throws RefusedRecordError if Realm refuses a record, for example because it does not have the record's class
   * @throws whatever else Realm throws, for example on a full disk; in both cases nothing of the slice is stored
   */
  storeSlice(records: readonly WritableRecord[], from: number, maxCount: number): SliceResult;
}

/** Realm's `create` threw: the record is the cause, not the Realm. */
export class RefusedRecordError extends Error {
  /** The record's index in the slice. */
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
/** A transaction becomes one changeset, which the server processes as a whole. */
const MAX_SLICE_BYTES = 1024 * 1024;

/**
 * Adapts the number of records in a slice to this machine: more after quick slices, fewer after slow ones.
 *
 * Only the time inside the transaction counts. A commit (a flush to the disk) costs the same for one record as for many, so
 * smaller slices would only cause more commits.
 */
export class SliceSize {
  #records = 8;

  /** How many records the next slice has, starting at `from`; at least one. */
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

  /** Adapts to the time that a slice took. */
  learn(records: number, millis: number): void {
    if (millis > SLICE_MILLIS) this.#records = Math.max(1, Math.floor(this.#records / 2));
    else if (millis < SLICE_MILLIS / 2 && records >= this.#records) {
      this.#records = Math.min(MAX_SLICE_RECORDS, this.#records * 2);
    }
  }
}

/**
 * Commits one slice with `create` calls only, and adapts the slice size to the time that they took.
 *
 * @throws RefusedRecordError, and whatever the transaction throws
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

/** A Realm with the records' own classes. */
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
