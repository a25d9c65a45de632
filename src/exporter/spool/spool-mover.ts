import { Backoff } from '../backoff.js';
import { Alarm } from '../alarm.js';
import { RefusedRecordError, type Destination, type WritableRecord } from '../destination.js';
import type { Spool } from './spool.js';
import { nextTurn } from '../turn.js';

/** The most records that are read at once. */
const MAX_PEEK_RECORDS = 64;

/** How many records are tried alone, one after the other, before a destination that takes none counts as broken. */
const MAX_TRIED_RECORDS = 64;

/** How many records are deleted in one transaction. */
const MAX_REMOVED_RECORDS = 256;

/** What a mover needs to know. */
export interface SpoolMoverOptions {
  readonly spool: Spool;
  /** Where to; undefined while there is nowhere, or no room: then `start` goes on. */
  readonly destination: () => Destination | undefined;
  /** Called in the turn in which records were committed there, before they are deleted here. */
  readonly onMoved: (count: number, sizeBytes: number) => void;
  /** Called when records were given up. */
  readonly onDropped: (reason: 'spool-unreadable' | 'write-failed', count: number, cause: unknown) => void;
  /** Called when nothing is left but records that cannot be written; they stay until another one can. */
  readonly onRefused: (count: number, cause: unknown) => void;
}

/**
 * Moves the spool's records, in the order of their `seq`, to the synced Realm as soon as there is one.
 *
 * Each slice is committed there, then deleted here. After a crash in between it is sent again with the same `_id`s and
 * equal values, which the server takes for what they are.
 *
 * A record that cannot be written even alone is set aside, and those behind it are tried. It is given up once one of them
 * can be written: with a full disk nothing can, and everything stays.
 */
export class SpoolMover {
  readonly #options: SpoolMoverOptions;
  readonly #backoff = new Backoff({ initialMillis: 1000, maxMillis: 300_000 });
  readonly #alarm = new Alarm();
  #running: Promise<void> | undefined;
  #isRunning = false;
  /** `seq`s of records that were committed there and are still here, for they could not be deleted. */
  #moved: readonly number[] = [];
  /** `seq`s of records that were set aside, ascending. */
  #aside: number[] = [];
  /** The destination that they were tried with. */
  #asideFor: Destination | undefined;
  /** Why the last one of them could not be written. */
  #asideCause: unknown;
  /** How many of them `onRefused` was told of. */
  #told = 0;
  #isStopped = false;

  constructor(options: SpoolMoverOptions) {
    this.#options = options;
  }

  /** Whether it is moving, or waits to try again. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Moves what there is, unless it is at that already. */
  start(): void {
    if (this.#isStopped) return;
    if (this.#isRunning) this.#alarm.ring();
    else this.#running = this.#run();
  }

  /** Stops for good, between two slices. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#alarm.ring();
    await this.#running;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      while (!this.#isStopped) {
        const target = this.#options.destination();
        if (target === undefined) return;
        if (target !== this.#asideFor) this.#tryAgain(target);
        let hasMore: boolean;
        try {
          hasMore = this.#moveSlice(target);
        } catch {
          hasMore = true; // the spool itself fails
          await this.#alarm.sleep(this.#backoff.next());
        }
        if (this.#isBroken(hasMore)) {
          await this.#alarm.sleep(this.#backoff.next());
          this.#tryAgain(target);
        } else if (!hasMore) {
          this.#tellRefused();
          return;
        }
        await nextTurn();
      }
    } finally {
      // In the turn of the last look: a start that comes later finds it so.
      this.#isRunning = false;
    }
  }

  /** Whether what was set aside was not refused, but failed with its transaction. */
  get #asideFails(): boolean {
    return this.#aside.length > 0 && !(this.#asideCause instanceof RefusedRecordError);
  }

  /** Whether it is the destination that fails, and not the records that were set aside. */
  #isBroken(hasMore: boolean): boolean {
    return this.#asideFails && (!hasMore || this.#aside.length >= MAX_TRIED_RECORDS);
  }

  #tryAgain(target: Destination): void {
    this.#aside = [];
    this.#asideFor = target;
    this.#told = 0;
  }

  #tellRefused(): void {
    if (this.#aside.length === this.#told) return;
    this.#told = this.#aside.length;
    this.#options.onRefused(this.#told, this.#asideCause);
  }

  /**
   * Moves the next records, or sets the first of them aside.
   *
   * @returns false if there are none
   * @throws whatever the spool throws
   */
  #moveSlice(target: Destination): boolean {
    const { spool, onDropped } = this.#options;
    if (!this.#removeMoved()) return true;
    const lastAside = this.#aside.at(-1);
    const { records, seqs, unreadable } = spool.peek(
      MAX_PEEK_RECORDS,
      lastAside === undefined ? 0 : lastAside + 1,
    );
    if (unreadable.length > 0) {
      spool.remove(unreadable);
      onDropped('spool-unreadable', unreadable.length, undefined);
    }
    const [firstSeq] = seqs;
    if (firstSeq === undefined) return unreadable.length > 0;
    const taken = this.#store(target, records);
    if (taken === 0) this.#aside.push(firstSeq);
    else this.#remove(seqs.slice(0, taken));
    return true;
  }

  /** @returns how many records were stored, from the first on; 0 if not even that one alone */
  #store(target: Destination, records: readonly WritableRecord[]): number {
    // Where a destination fails, slices would fail before each record does.
    for (let count = this.#asideFails ? 1 : records.length; ;) {
      try {
        const { taken, stored, storedBytes } = target.storeSlice(records, 0, count);
        this.#options.onMoved(stored, storedBytes);
        return taken;
      } catch (cause) {
        const isRefused = cause instanceof RefusedRecordError;
        if (count === 1 || (isRefused && cause.index === 0)) {
          this.#asideCause = cause;
          return 0;
        }
        count = isRefused ? cause.index : 1;
      }
    }
  }

  /** Records were moved: what was set aside before them is given up. */
  #remove(seqs: readonly number[]): void {
    this.#backoff.reset();
    const { length } = this.#aside;
    if (length > 0) this.#options.onDropped('write-failed', length, this.#asideCause);
    this.#moved = [...this.#aside, ...seqs];
    this.#aside = [];
    this.#told = 0;
    this.#removeMoved();
  }

  /**
   * Deletes a slice of what was moved. @returns whether nothing of it is left.
   *
   * Before anything else is moved: a spool that nothing can be deleted from must not be sent again and again.
   */
  #removeMoved(): boolean {
    if (this.#moved.length === 0) return true;
    this.#options.spool.remove(this.#moved.slice(0, MAX_REMOVED_RECORDS));
    this.#moved = this.#moved.slice(MAX_REMOVED_RECORDS);
    return this.#moved.length === 0;
  }
}
