import { ExportError } from '../../src/exporter/export-error.js';
import type { ObjectIdConstructor } from '../../src/realm/realm-types.js';
import type { RecordTarget, WriteOutcome } from '../../src/delivery/record-target.js';
import type { RealmRecord } from '../../src/model/realm-record.js';

/** A record target that keeps records in memory and can be told to hold, fail or break its writes. */
export class MemoryTarget implements RecordTarget {
  readonly ObjectId: ObjectIdConstructor;
  readonly classPrefix = '';
  readonly stored: RealmRecord[] = [];
  readonly dropped = new Map<string, number>();
  users = 0;
  releases: number[] = [];

  /** What `write` does; the default stores. */
  onWrite: (records: readonly RealmRecord[]) => Promise<WriteOutcome> = (records) => {
    this.stored.push(...records);
    return Promise.resolve({ stored: records.length, failed: 0 });
  };
  /** What `release` waits for. */
  onRelease: () => Promise<void> = () => Promise.resolve();

  constructor(ObjectId: ObjectIdConstructor = CountingId) {
    this.ObjectId = ObjectId;
  }

  write(records: readonly RealmRecord[]): Promise<WriteOutcome> {
    return this.onWrite(records);
  }

  countDropped(reason: string, count: number): void {
    this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + count);
  }

  retain(): void {
    this.users += 1;
  }

  release(timeoutMillis: number): Promise<void> {
    this.users -= 1;
    this.releases.push(timeoutMillis);
    return this.onRelease();
  }
}

/** The outcome of a write that stored nothing. */
export function nothingStored(records: readonly RealmRecord[]): WriteOutcome {
  return {
    stored: 0,
    failed: records.length,
    error: new ExportError('export-failed', records.length, 'disk full'),
  };
}

let ids = 0;

class CountingId {
  readonly #hex: string;

  constructor(hex?: string) {
    ids += 1;
    this.#hex = hex ?? ids.toString(16).padStart(24, '0');
  }

  toHexString(): string {
    return this.#hex;
  }
}
