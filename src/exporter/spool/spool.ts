import {
  commitSlice,
  SliceSize,
  type Destination,
  type SliceResult,
  type WritableRecord,
} from '../destination.js';
import type {
  NativeConfiguration,
  NativeObjectSchema,
  NativeRealm,
  NativeRealmConstructor,
} from '../realm-types.js';
import { decodePayload, encodePayload } from './spool-payload.js';
import { withoutTracing } from '../suppression.js';

const CLASS = 'SpooledRecord';

/** How many bytes are read at once, beyond the first record. */
const MAX_PEEK_BYTES = 1024 * 1024;

const schema: NativeObjectSchema = {
  name: CLASS,
  primaryKey: '_id',
  properties: { _id: 'objectId', seq: 'int', kind: 'string', payload: 'data' },
};

/** The first records of a spool, to be stored elsewhere. */
export interface SpoolSlice {
  readonly records: readonly WritableRecord[];
  /** The `seq` of each record, ascending. */
  readonly seqs: readonly number[];
  /** Records that cannot be read: of a newer release, or damaged. Their `seq`s. */
  readonly unreadable: readonly number[];
}

/**
 * Records that wait on disk until a synced Realm is open: a local Realm with one class.
 *
 * Only one process holds the file, and only one `Spool`.
 */
export class Spool implements Destination {
  /** Nobody else has this Realm. */
  readonly isBusy = false;
  readonly #Realm: NativeRealmConstructor;
  readonly #realm: NativeRealm;
  readonly #size = new SliceSize();
  #count: number;
  #firstSeq: number;
  #nextSeq: number;

  private constructor(Realm: NativeRealmConstructor, realm: NativeRealm) {
    this.#Realm = Realm;
    this.#realm = realm;
    const objects = realm.objects(CLASS);
    this.#count = objects.length;
    this.#firstSeq = toNumber(objects.min('seq')) ?? 0;
    this.#nextSeq = (toNumber(objects.max('seq')) ?? -1) + 1;
  }

  /**
   * Opens or creates a spool.
   *
   * @throws whatever Realm throws, as for a wrong encryption key
   */
  static open(Realm: NativeRealmConstructor, path: string, encryptionKey: ArrayBuffer | undefined): Spool {
    const config: NativeConfiguration = {
      path,
      schema: [schema],
      ...(encryptionKey === undefined ? {} : { encryptionKey }),
    };
    return withoutTracing(() => new Spool(Realm, new Realm(config)));
  }

  /** Number of records in it. */
  get count(): number {
    return this.#count;
  }

  get path(): string {
    return this.#realm.path;
  }

  storeSlice(records: readonly WritableRecord[], from: number, maxCount: number): SliceResult {
    const count = this.#size.fit(records, from, maxCount);
    const objects: { className: string; values: Record<string, unknown> }[] = [];
    let error: unknown;
    for (const record of records.slice(from, from + count)) {
      try {
        objects.push({ className: CLASS, values: this.#toObject(record, this.#nextSeq + objects.length) });
      } catch (cause) {
        error ??= cause;
      }
    }
    if (objects.length > 0) commitSlice(this.#realm, this.#size, objects);
    this.#nextSeq += objects.length;
    this.#count += objects.length;
    return { taken: count, stored: objects.length, ...(error === undefined ? {} : { error }) };
  }

  /** Reads the first records, at most `maxCount` of them. */
  peek(maxCount: number): SpoolSlice {
    const records: WritableRecord[] = [];
    const seqs: number[] = [];
    const unreadable: number[] = [];
    for (const { seq, kind, payload } of this.#first(maxCount)) {
      try {
        const values = decodePayload(payload, this.#Realm.BSON.ObjectId);
        records.push({ kind, ...values, sizeBytes: payload.byteLength });
        seqs.push(seq);
      } catch {
        unreadable.push(seq);
      }
    }
    return { records, seqs, unreadable };
  }

  /** Deletes the records with these `seq`s, which `peek` gave. */
  remove(seqs: readonly number[]): void {
    const [first] = seqs;
    const last = seqs.at(-1);
    if (first === undefined || last === undefined) return;
    const chosen = new Set(seqs);
    withoutTracing(() => {
      this.#realm.write(() => {
        for (const object of [...this.#between(first, last + 1)]) {
          if (chosen.has(Number(object.seq))) this.#realm.delete(object);
        }
      });
    });
    this.#count -= seqs.length;
  }

  close(): void {
    withoutTracing(() => {
      this.#realm.close();
    });
  }

  #toObject(record: WritableRecord, seq: number): Record<string, unknown> {
    const { _id: id } = record.values;
    return { _id: id, seq, kind: record.kind, payload: encodePayload(record) };
  }

  #first(maxCount: number): { seq: number; kind: string; payload: ArrayBuffer }[] {
    if (this.#count === 0) return [];
    return withoutTracing(() => {
      let objects = this.#between(this.#firstSeq, this.#firstSeq + maxCount);
      if (objects.length === 0) {
        this.#firstSeq = toNumber(this.#realm.objects(CLASS).min('seq')) ?? this.#nextSeq;
        objects = this.#between(this.#firstSeq, this.#firstSeq + maxCount);
      }
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

  /** A range, for sorting the whole spool at every slice would take longer and longer as it grows. */
  #between(from: number, to: number) {
    return this.#realm.objects(CLASS).filtered('seq >= $0 && seq < $1', from, to);
  }
}

/** Realm reads `min` and `max` back as numbers, and as undefined if there is nothing. */
function toNumber(value: unknown): number | undefined {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
}
