import {
  commitSlice,
  SliceSize,
  type Destination,
  type SliceResult,
  type WritableRecord,
} from '../realm/destination.js';
import type {
  NativeConfiguration,
  NativeObjectSchema,
  NativeRealm,
  NativeRealmConstructor,
  NativeResults,
} from '../realm/realm-types.js';
import { decodePayload, encodePayload } from './spool-payload.js';
import { withoutTracing } from '../suppression.js';
import { transact } from '../realm/transaction.js';

const CLASS = 'SpooledRecord';

/** How many bytes are read at once, in addition to the first record. */
const MAX_PEEK_BYTES = 1024 * 1024;

/** How many records are dropped in one transaction, so that it takes a few milliseconds. */
const MAX_DROP_RECORDS = 1024;

/** What a record takes in addition to its payload: id, numbers and kind in Realm's columns. Measured: 30 to 50. */
const RECORD_BYTES = 40;

/** 2024-01-01. An earlier time comes from a clock that was not set. */
const MIN_PLAUSIBLE_MILLIS = 1_704_067_200_000;

const schema: NativeObjectSchema = {
  name: CLASS,
  primaryKey: '_id',
  properties: {
    _id: 'objectId',
    seq: 'int',
    kind: 'string',
    payload: 'data',
    // Size of the record, so that sums need not read payloads.
    sizeBytes: 'int',
    // Milliseconds since 1970.
    storedAt: 'int',
  },
};

/** Records that were dropped from the spool. */
export interface DroppedSlice {
  readonly records: number;
  /** Whether there may be more such records. */
  readonly hasMore: boolean;
}

/** The first records of a spool. */
export interface SpoolSlice {
  readonly records: readonly WritableRecord[];
  /** The `seq` of each record, ascending. */
  readonly seqs: readonly number[];
  /** `seq`s of records that cannot be read: damaged, or written by a newer release. */
  readonly unreadable: readonly number[];
}

/** Options of `Spool.open`. */
export interface SpoolOptions {
  readonly encryptionKey?: ArrayBuffer | undefined;
  /** Decides whether Realm compacts the file when it opens it. */
  readonly shouldCompact?: ((totalBytes: number, usedBytes: number) => boolean) | undefined;
  /** The current class of each kind of record: `classPrefix` may have changed since a record was stored. */
  readonly classNames?: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/**
 * Records that wait on disk until a synced Realm is open: a local Realm with one class.
 *
 * Only one process opens the file, with one `Spool`.
 */
export class Spool implements Destination {
  /** No one else uses this Realm. */
  readonly isBusy = false;
  readonly #Realm: NativeRealmConstructor;
  readonly #realm: NativeRealm;
  readonly #size = new SliceSize();
  readonly #classNames: Readonly<Record<string, string>>;
  readonly #now: () => number;
  #count: number;
  #sizeBytes: number;
  #firstSeq: number;
  #nextSeq: number;

  private constructor(
    Realm: NativeRealmConstructor,
    realm: NativeRealm,
    { classNames = {}, now = processClock() }: SpoolOptions,
  ) {
    this.#Realm = Realm;
    this.#realm = realm;
    this.#classNames = classNames;
    this.#now = now;
    const objects = realm.objects(CLASS);
    this.#count = objects.length;
    this.#sizeBytes = toNumber(objects.sum('sizeBytes')) ?? 0;
    this.#firstSeq = toNumber(objects.min('seq')) ?? 0;
    this.#nextSeq = (toNumber(objects.max('seq')) ?? -1) + 1;
  }

  /**
   * Opens or creates a spool.
   *
   * @throws whatever Realm throws, for example for a wrong encryption key
   */
  static open(Realm: NativeRealmConstructor, path: string, options: SpoolOptions = {}): Spool {
    const { encryptionKey, shouldCompact } = options;
    const config: NativeConfiguration = {
      path,
      schema: [schema],
      ...(encryptionKey === undefined ? {} : { encryptionKey }),
      ...(shouldCompact === undefined ? {} : { shouldCompact }),
    };
    return withoutTracing(() => new Spool(Realm, new Realm(config), options));
  }

  /** Number of records in it. */
  get count(): number {
    return this.#count;
  }

  /** Size of the records in it. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get path(): string {
    return this.#realm.path;
  }

  storeSlice(records: readonly WritableRecord[], from: number, maxCount: number): SliceResult {
    const count = this.#size.fit(records, from, maxCount);
    const objects: { className: string; values: Record<string, unknown> }[] = [];
    const storedAt = Math.floor(this.#now());
    let bytes = 0;
    let error: unknown;
    for (const record of records.slice(from, from + count)) {
      try {
        const payload = encodePayload(record);
        const sizeBytes = payload.length + RECORD_BYTES;
        const seq = this.#nextSeq + objects.length;
        const values = { _id: record.values._id, seq, kind: record.kind, payload, sizeBytes, storedAt };
        objects.push({ className: CLASS, values });
        bytes += sizeBytes;
      } catch (cause) {
        error ??= cause;
      }
    }
    if (objects.length > 0) commitSlice(this.#realm, this.#size, objects);
    this.#nextSeq += objects.length;
    this.#count += objects.length;
    this.#sizeBytes += bytes;
    return {
      taken: count,
      stored: objects.length,
      storedBytes: bytes,
      ...(error === undefined ? {} : { error }),
    };
  }

  /**
   * Reads the first records, at most `maxCount` of them.
   *
   * @param fromSeq - the first `seq` to read
   */
  peek(maxCount: number, fromSeq = 0): SpoolSlice {
    const records: WritableRecord[] = [];
    const seqs: number[] = [];
    const unreadable: number[] = [];
    for (const { seq, kind, payload } of this.#first(maxCount, fromSeq)) {
      try {
        const { className, values } = decodePayload(payload, this.#Realm.BSON.ObjectId);
        const classNow = this.#classNames[kind] ?? className;
        records.push({ kind, className: classNow, values, sizeBytes: payload.byteLength });
        seqs.push(seq);
      } catch {
        unreadable.push(seq);
      }
    }
    return { records, seqs, unreadable };
  }

  /**
   * Deletes records by their `seq`s, ascending, from `peek`. Some may have been dropped since.
   *
   * @returns how many of them were still there
   */
  remove(seqs: readonly number[]): number {
    const [first] = seqs;
    const last = seqs.at(-1);
    if (first === undefined || last === undefined) return 0;
    const chosen = new Set(seqs);
    let records = 0;
    let bytes = 0;
    transact(this.#realm, () => {
      for (const object of [...this.#between(first, last + 1)]) {
        if (!chosen.has(Number(object.seq))) continue;
        records += 1;
        bytes += Number(object.sizeBytes);
        this.#realm.delete(object);
      }
    });
    this.#count -= records;
    this.#sizeBytes -= bytes;
    return records;
  }

  /** Drops the oldest records: one slice of at most `maxCount`, in one transaction. */
  dropOldest(maxCount: number): DroppedSlice {
    if (this.#count === 0) return { records: 0, hasMore: false };
    const count = Math.min(maxCount, MAX_DROP_RECORDS);
    return withoutTracing(() => {
      this.#skipGap(count);
      const end = this.#firstSeq + count;
      const records = this.#drop(this.#between(this.#firstSeq, end));
      this.#firstSeq = Math.min(end, this.#nextSeq);
      return { records, hasMore: this.#count > 0 };
    });
  }

  /**
   * Drops records that have been in the spool for longer than a time: one slice, in one transaction. Times are of this
   * device's clock, read when a process opens the spool. Records that were stored before the clock was set are kept.
   */
  dropOlderThan(millis: number): DroppedSlice {
    if (this.#count === 0) return { records: 0, hasMore: false };
    return withoutTracing(() => {
      const old = this.#realm
        .objects(CLASS)
        .filtered('storedAt < $0 && storedAt >= $1', Math.floor(this.#now()) - millis, MIN_PLAUSIBLE_MILLIS);
      const first = toNumber(old.min('seq'));
      if (first === undefined) return { records: 0, hasMore: false };
      const slice = old.filtered('seq < $0', first + MAX_DROP_RECORDS);
      return { records: this.#drop(slice), hasMore: true };
    });
  }

  close(): void {
    withoutTracing(() => {
      this.#realm.close();
    });
  }

  #drop(objects: NativeResults): number {
    const records = objects.length;
    const bytes = toNumber(objects.sum('sizeBytes')) ?? 0;
    transact(this.#realm, () => {
      this.#realm.delete(objects);
    });
    this.#count -= records;
    this.#sizeBytes -= bytes;
    return records;
  }

  #first(maxCount: number, fromSeq: number): { seq: number; kind: string; payload: ArrayBuffer }[] {
    if (this.#count === 0) return [];
    return withoutTracing(() => {
      this.#skipGap(maxCount);
      const start = this.#nextAfter(fromSeq, maxCount);
      const objects = this.#between(start, start + maxCount);
      const found: { seq: number; kind: string; payload: ArrayBuffer }[] = [];
      let bytes = 0;
      for (const object of objects.sorted('seq')) {
        const payload = object.payload as ArrayBuffer;
        bytes += payload.byteLength;
        if (found.length > 0 && bytes > MAX_PEEK_BYTES) break;
        found.push({ seq: Number(object.seq), kind: String(object.kind), payload });
      }
      return found;
    });
  }

  /** Goes to the first record if the next `count` numbers have none. */
  #skipGap(count: number): void {
    if (this.#between(this.#firstSeq, this.#firstSeq + count).length > 0) return;
    this.#firstSeq = toNumber(this.#realm.objects(CLASS).min('seq')) ?? this.#nextSeq;
  }

  /** The `seq` of the first record from one on. */
  #nextAfter(seq: number, count: number): number {
    if (seq <= this.#firstSeq) return this.#firstSeq;
    if (this.#between(seq, seq + count).length > 0) return seq;
    return toNumber(this.#realm.objects(CLASS).filtered('seq >= $0', seq).min('seq')) ?? this.#nextSeq;
  }

  /** A range, because sorting the whole spool for each slice takes longer as it grows. */
  #between(from: number, to: number): NativeResults {
    return this.#realm.objects(CLASS).filtered('seq >= $0 && seq < $1', from, to);
  }
}

/** Realm gives `min` and `max` as numbers, and undefined if there are no objects. */
function toNumber(value: unknown): number | undefined {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
}

/**
 * A clock that starts at the current time and runs evenly. If the system's clock is set later (devices without a clock of
 * their own get the time from a server), no record becomes older.
 */
function processClock(): () => number {
  const offset = Date.now() - performance.now();
  return () => offset + performance.now();
}
