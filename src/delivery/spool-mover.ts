import { Backoff } from '../time/backoff.js';
import { Alarm } from '../time/alarm.js';
import { RefusedRecordError, type Destination, type WritableRecord } from '../realm/destination.js';
import type { Spool } from '../disk/spool.js';
import { nextTurn } from '../time/next-turn.js';

/** The most records that are read at once, and how many where records are refused, which go one by one. */
const MAX_PEEK_RECORDS = 64;
const MAX_PEEK_REFUSED = 4;

/** How many records are deleted in one transaction. */
const MAX_REMOVED_RECORDS = 256;

/** What a mover needs to know. */
export interface SpoolMoverOptions {
  readonly spool: Spool;
  /** Where to; undefined while there is nowhere, or no room: then `start` goes on. */
  readonly destination: () => Destination | undefined;
  /** Called in the turn in which records were committed there, before they are deleted here. */
  readonly onMoved: (count: number, sizeBytes: number) => void;
  /** Called when records were given up, and are deleted. */
  readonly onDropped: (reason: 'spool-unreadable' | 'write-failed', count: number, cause: unknown) => void;
  /** Called when a transaction failed, as on a full disk. It is tried again. */
  readonly onFailed: (cause: unknown) => void;
  /** Called when nothing is left but records that were refused, by a destination that has taken no others yet. */
  readonly onRefused: (count: number, cause: unknown) => void;
}

/** What came of one step. */
type Step = 'progress' | 'end';

/**
 * Moves the spool's records, in the order of their `seq`, to the synced Realm as soon as there is one.
 *
 * Each slice is committed there, then deleted here. After a crash in between it is sent again with the same `_id`s and
 * equal values, which the server takes for what they are.
 *
 * A transaction that fails, as on a full disk, is tried again with a back-off, for ever. A record that Realm refuses
 * ({@link RefusedRecordError}) is set aside, and those behind it are moved. It is given up once the destination takes
 * another record; if it took one before, and there is none behind, once it was refused a second time, later.
 */
export class SpoolMover {
  readonly #options: SpoolMoverOptions;
  readonly #backoff = new Backoff({ initialMillis: 1000, maxMillis: 300_000 });
  readonly #alarm = new Alarm();
  #running: Promise<void> | undefined;
  #isRunning = false;
  /** `seq`s of records that were committed there and are still here. */
  #moved: readonly number[] = [];
  /** `seq`s of records that were given up and are still here. */
  #givenUp: readonly number[] = [];
  #target: Destination | undefined;
  /** Whether the target has taken a record. */
  #isProven = false;
  /** `seq`s of records that the target refused, ascending. */
  #aside: number[] = [];
  #cause: unknown;
  /** Whether what is refused now was refused before. */
  #isLastTry = false;
  /** How many records `onRefused` was told of. */
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

  /** A record that was not in the spool was stored there: what the destination refused is given up. */
  noteStored(destination: Destination): void {
    this.#turnTo(destination);
    this.#isProven = true;
    if (this.#aside.length === 0) return;
    this.#giveUpAside();
    this.start();
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
        this.#turnTo(target);
        try {
          if (this.#step(target) === 'end' && !(await this.#tryAside())) return;
        } catch (cause) {
          // The transaction there, or the spool itself.
          this.#options.onFailed(cause);
          await this.#alarm.sleep(this.#backoff.next());
        }
        await nextTurn();
      }
    } finally {
      // In the turn of the last look: a start that comes later finds it so.
      this.#isRunning = false;
    }
  }

  /** Another Realm may take what the last one refused. */
  #turnTo(target: Destination): void {
    if (target === this.#target) return;
    this.#target = target;
    this.#isProven = false;
    this.#aside = [];
    this.#isLastTry = false;
    this.#told = 0;
  }

  /**
   * Moves the next records, or sets the first of them aside.
   *
   * @returns `end` if there are none but those that were set aside
   * @throws whatever the spool throws, and the destination but for refused records
   */
  #step(target: Destination): Step {
    const { spool, onDropped } = this.#options;
    if (!this.#deleteSlice()) return 'progress';
    const lastAside = this.#aside.at(-1);
    const isRefusing = this.#isLastTry || lastAside !== undefined;
    const maxCount = isRefusing ? MAX_PEEK_REFUSED : MAX_PEEK_RECORDS;
    const { records, seqs, unreadable } = spool.peek(maxCount, lastAside === undefined ? 0 : lastAside + 1);
    if (unreadable.length > 0) {
      spool.remove(unreadable);
      onDropped('spool-unreadable', unreadable.length, undefined);
    }
    const [firstSeq] = seqs;
    if (firstSeq === undefined) return unreadable.length > 0 ? 'progress' : 'end';
    const taken = this.#store(target, records);
    if (taken === 0) this.#setAside(firstSeq);
    else this.#noteMoved(seqs.slice(0, taken));
    this.#deleteSlice();
    return 'progress';
  }

  /** @returns how many records were stored, from the first on; 0 if that one is refused */
  #store(target: Destination, records: readonly WritableRecord[]): number {
    for (let count = records.length; ;) {
      try {
        const { taken, stored, storedBytes } = target.storeSlice(records, 0, count);
        this.#options.onMoved(stored, storedBytes);
        return taken;
      } catch (cause) {
        if (!(cause instanceof RefusedRecordError)) {
          if (count === 1) throw cause;
          count = 1;
        } else if (cause.index === 0) {
          this.#cause = cause;
          return 0;
        } else {
          count = cause.index;
        }
      }
    }
  }

  #setAside(seq: number): void {
    if (this.#isLastTry) this.#givenUp = [...this.#givenUp, seq];
    else this.#aside.push(seq);
  }

  #noteMoved(seqs: readonly number[]): void {
    this.#backoff.reset();
    this.#moved = seqs;
    this.#isProven = true;
    this.#giveUpAside();
  }

  #giveUpAside(): void {
    this.#givenUp = [...this.#givenUp, ...this.#aside];
    this.#aside = [];
    this.#told = 0;
  }

  /** Nothing is left but what was set aside. @returns whether it is tried again, after a while */
  async #tryAside(): Promise<boolean> {
    this.#isLastTry = false;
    const { length } = this.#aside;
    if (length === 0) return false;
    if (!this.#isProven) {
      if (this.#told !== length) this.#options.onRefused(length, this.#cause);
      this.#told = length;
      return false;
    }
    await this.#alarm.sleep(this.#backoff.next());
    this.#aside = [];
    this.#isLastTry = true;
    return true;
  }

  /**
   * Deletes a slice of what was moved or given up. Before anything else is moved: a spool that nothing can be deleted from
   * must not be sent again and again.
   *
   * @returns whether nothing of it is left
   */
  #deleteSlice(): boolean {
    const { spool, onDropped } = this.#options;
    if (this.#moved.length > 0) {
      spool.remove(this.#moved);
      this.#moved = [];
    }
    if (this.#givenUp.length === 0) return true;
    const slice = this.#givenUp.slice(0, MAX_REMOVED_RECORDS);
    // Some may have been dropped meanwhile, for their age or to make room.
    const count = spool.remove(slice);
    this.#givenUp = this.#givenUp.slice(slice.length);
    if (count > 0) onDropped('write-failed', count, this.#cause);
    return this.#givenUp.length === 0;
  }
}
