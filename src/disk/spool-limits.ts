import type { DeviceBudget } from './device-budget.js';
import type { RealmFileGauge } from './realm-file-gauge.js';
import { nextTurn } from '../time/next-turn.js';
import type { DroppedSlice, Spool } from './spool.js';

/** What is made free once there is no room, so that it lasts for a while: a part of the limit, or of a spool that is small. */
const FREED_PART_OF_LIMIT = 1 / 32;
const FREED_PART_OF_SPOOL = 1 / 8;

/** What becomes of records when there is no room for more. */
export type WhenFull = 'dropNewest' | 'dropOldest';

/** What the limits of a spool are. */
export interface SpoolLimitsOptions {
  readonly spool: Spool;
  readonly gauge: RealmFileGauge;
  readonly budget: DeviceBudget;
  readonly whenFull: WhenFull;
  /** Records that have been in the spool for longer are dropped; undefined keeps them. */
  readonly maxAgeMillis: number | undefined;
  readonly onDropped: (reason: 'dropped-oldest' | 'too-old', records: number) => void;
}

/** Keeps a spool within what it may take and within the age that its records may have, by dropping old ones in slices. */
export class SpoolLimits {
  readonly #options: SpoolLimitsOptions;
  /** While room is being made: how much of it. */
  #wantedBytes: number | undefined;
  #expiring: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: SpoolLimitsOptions) {
    this.#options = options;
  }

  /** Whether old records are being dropped, which are not worth moving. */
  get isExpiring(): boolean {
    return this.#expiring !== undefined;
  }

  /** How many bytes of new records fit into the spool as it is. */
  get freeBytes(): number {
    const { budget, gauge } = this.#options;
    return budget.roomBytes(gauge, budget.movingBytes);
  }

  /**
   * How many bytes of new records fit into the spool. Under `dropOldest`, a call drops a slice if that is not enough.
   *
   * @returns undefined if a slice was dropped and more has to be: ask again in a later turn
   * @throws whatever Realm throws
   */
  roomBytes(nextBytes: number): number | undefined {
    const { spool, budget, whenFull } = this.#options;
    const roomBytes = this.freeBytes;
    const wantedBytes = Math.max(nextBytes, this.#wantedBytes ?? 0);
    // A record that hardly fits into the whole is not worth all others.
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
    const { spool, maxAgeMillis } = this.#options;
    if (maxAgeMillis === undefined) return;
    try {
      while (!this.#isStopped && this.#drop('too-old', spool.dropOlderThan(maxAgeMillis))) await nextTurn();
    } catch {
      // A full disk; nothing was dropped.
    }
  }

  /** @returns whether there may be more of the kind */
  #drop(reason: 'dropped-oldest' | 'too-old', { records, hasMore }: DroppedSlice): boolean {
    this.#options.gauge.observe();
    if (records > 0) this.#options.onDropped(reason, records);
    return hasMore;
  }
}
