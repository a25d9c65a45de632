import { Backoff } from '../backoff.js';
import { Alarm } from '../alarm.js';
import type { Destination, WritableRecord } from '../destination.js';
import type { Spool } from './spool.js';
import { nextTurn } from '../turn.js';

/** The most records that are read at once. */
const MAX_PEEK_RECORDS = 64;

/** What a mover needs to know. */
export interface SpoolMoverOptions {
  readonly spool: Spool;
  /** Where to; undefined while there is nowhere, or no room: then `start` goes on. */
  readonly destination: () => Destination | undefined;
  /** Called in the turn in which records were committed there, before they are deleted here. */
  readonly onMoved: (count: number, sizeBytes: number) => void;
  /** Called when records were given up. */
  readonly onDropped: (reason: 'spool-unreadable' | 'write-failed', count: number, cause: unknown) => void;
}

/**
 * Moves the spool's records, in the order of their `seq`, to the synced Realm as soon as there is one.
 *
 * Each slice is committed there, then deleted here. After a crash in between it is sent again with the same `_id`s and
 * equal values, which the server takes for what they are. A record that cannot be written alone is given up only once
 * another one can: with a full disk nothing can, and everything stays.
 */
export class SpoolMover {
  readonly #options: SpoolMoverOptions;
  readonly #backoff = new Backoff({ initialMillis: 1000, maxMillis: 300_000 });
  readonly #alarm = new Alarm();
  #running: Promise<void> | undefined;
  #isRunning = false;
  /** `seq`s of records that were committed there and are still here, for they could not be deleted. */
  #moved: readonly number[] = [];
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
    const { spool, destination } = this.#options;
    this.#isRunning = true;
    try {
      while (!this.#isStopped && spool.count > 0) {
        const target = destination();
        if (target === undefined) return;
        try {
          if (this.#moveSlice(target)) this.#backoff.reset();
          else await this.#alarm.sleep(this.#backoff.next());
        } catch {
          await this.#alarm.sleep(this.#backoff.next()); // the spool itself fails
        }
        await nextTurn();
      }
    } finally {
      // In the turn of the last look: a start that comes later finds it so.
      this.#isRunning = false;
    }
  }

  /** @returns whether anything came of it */
  #moveSlice(target: Destination): boolean {
    const { spool, onDropped } = this.#options;
    this.#removeMoved();
    const { records, seqs, unreadable } = spool.peek(MAX_PEEK_RECORDS);
    if (unreadable.length > 0) {
      spool.remove(unreadable);
      onDropped('spool-unreadable', unreadable.length, undefined);
    }
    if (records.length === 0) return unreadable.length > 0;
    let taken: number;
    try {
      taken = this.#store(target, records, 0, Infinity);
    } catch {
      return this.#moveOne(target, records, seqs);
    }
    this.#remove(seqs.slice(0, taken));
    return true;
  }

  #moveOne(target: Destination, records: readonly WritableRecord[], seqs: readonly number[]): boolean {
    try {
      this.#store(target, records, 0, 1);
    } catch (cause) {
      if (records.length === 1) return false;
      try {
        this.#store(target, records, 1, 1);
      } catch {
        return false;
      }
      this.#options.onDropped('write-failed', 1, cause);
      this.#remove(seqs.slice(0, 2));
      return true;
    }
    this.#remove(seqs.slice(0, 1));
    return true;
  }

  #store(target: Destination, records: readonly WritableRecord[], from: number, maxCount: number): number {
    const { taken, stored, storedBytes } = target.storeSlice(records, from, maxCount);
    this.#options.onMoved(stored, storedBytes);
    return taken;
  }

  #remove(seqs: readonly number[]): void {
    this.#moved = seqs;
    this.#removeMoved();
  }

  /** Before anything else is moved: a spool that nothing can be deleted from must not be sent again and again. */
  #removeMoved(): void {
    if (this.#moved.length === 0) return;
    this.#options.spool.remove(this.#moved);
    this.#moved = [];
  }
}
