import { ConnectionError } from '../connection-error.js';
import type { DeliveryEvents } from '../delivery-events.js';
import type { DeviceBudget } from './device-budget.js';
import { DeviceFullError } from './device-full-error.js';
import type { RealmFileGauge } from './realm-file-gauge.js';
import { nextTurn } from '../time/next-turn.js';
import type { DroppedSlice, Spool } from './spool.js';

/** How much room is made at once, so that it lasts for a while: a part of the limit, or of a small spool. */
const FREED_PART_OF_LIMIT = 1 / 32;
const FREED_PART_OF_SPOOL = 1 / 8;

/** What happens to records when there is no room for more. */
export type WhenFull = 'dropNewest' | 'dropOldest';

/** What spools of a connection may take, and for how long they keep records. */
export interface SpoolPolicy {
  readonly budget: DeviceBudget;
  readonly whenFull: WhenFull;
  /** Records that have been in the spool for longer are dropped. Undefined keeps them. */
  readonly maxUnsyncedAgeMillis: number | undefined;
  readonly events: DeliveryEvents;
}

/** Told when counts have changed. */
export interface SpoolOwner {
  changed(): void;
}

/** Keeps a spool within its limits of size and age: drops old records in slices. */
export class SpoolLimits {
  readonly #spool: Spool;
  readonly #gauge: RealmFileGauge;
  readonly #policy: SpoolPolicy;
  readonly #owner: SpoolOwner;
  /** While room is being made: how much of it. */
  #wantedBytes: number | undefined;
  #expiring: Promise<void> | undefined;
  #isStopped = false;

  constructor(spool: Spool, gauge: RealmFileGauge, policy: SpoolPolicy, owner: SpoolOwner) {
    this.#spool = spool;
    this.#gauge = gauge;
    this.#policy = policy;
    this.#owner = owner;
  }

  /** Whether old records are being dropped, which need not be moved. */
  get isExpiring(): boolean {
    return this.#expiring !== undefined;
  }

  /** How many bytes of new records fit into the spool as it is. */
  get freeBytes(): number {
    const { budget } = this.#policy;
    return budget.roomBytes(this.#gauge, budget.movingBytes);
  }

  /**
   * How many bytes of new records fit into the spool. With `dropOldest`, a call drops a slice if there is too little room.
   *
   * @returns undefined if a slice was dropped: ask again in a later turn
   * @throws whatever Realm throws
   */
  roomBytes(nextBytes: number): number | undefined {
    const { budget, whenFull } = this.#policy;
    const spool = this.#spool;
    const roomBytes = this.freeBytes;
    const wantedBytes = Math.max(nextBytes, this.#wantedBytes ?? 0);
    // One record of more than half of the limit is not worth all others.
    const isWorthIt = whenFull === 'dropOldest' && nextBytes <= budget.maxBytes / 2;
    if (!isWorthIt || roomBytes >= wantedBytes || spool.count === 0) {
      this.#wantedBytes = undefined;
      return roomBytes;
    }
    this.#wantedBytes ??= Math.min(
      budget.maxBytes * FREED_PART_OF_LIMIT,
      spool.sizeBytes * FREED_PART_OF_SPOOL,
    );
    this.#drop('dropped-oldest', spool.dropOldest(Math.ceil(spool.count * FREED_PART_OF_SPOOL)));
    return undefined;
  }

  /** Drops what is too old, in several turns. Never rejects: what fails now is tried with the next call. */
  expire(): Promise<void> {
    this.#expiring ??= this.#expire().then(() => {
      this.#expiring = undefined;
    });
    return this.#expiring;
  }

  /** Stops between two slices. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#expiring;
  }

  async #expire(): Promise<void> {
    const { maxUnsyncedAgeMillis } = this.#policy;
    if (maxUnsyncedAgeMillis === undefined) return;
    try {
      while (!this.#isStopped && this.#drop('too-old', this.#spool.dropOlderThan(maxUnsyncedAgeMillis))) {
        await nextTurn();
      }
    } catch {
      // The disk is full: nothing was dropped.
    }
  }

  /** @returns whether there may be more of the kind */
  #drop(reason: 'dropped-oldest' | 'too-old', { records, hasMore }: DroppedSlice): boolean {
    this.#gauge.observe();
    if (records > 0) this.#report(reason, records);
    return hasMore;
  }

  #report(reason: 'dropped-oldest' | 'too-old', records: number): void {
    const { budget, events } = this.#policy;
    events.dropped(reason, records);
    const text = `${records} ${records === 1 ? 'record' : 'records'} of the spool`;
    events.failed(
      reason === 'too-old'
        ? new ConnectionError('records-expired', `${text} dropped (maxUnsyncedAge)`)
        : new DeviceFullError(budget, `the oldest ${text} dropped`),
    );
    this.#owner.changed();
  }
}
