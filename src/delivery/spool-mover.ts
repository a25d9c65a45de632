import { ConnectionError, describeCause } from '../connection-error.js';
import type { DeliveryEvents } from '../delivery-events.js';
import type { Spool } from '../disk/spool.js';
import { RefusedRecordError, type Destination, type WritableRecord } from '../realm/destination.js';
import { Backoff } from '../time/backoff.js';
import { nextTurn } from '../time/next-turn.js';
import { Sleeper } from '../time/sleep.js';

/** How many records are read at once. */
const MAX_PEEK_RECORDS = 64;

/** The same while records are refused. */
const MAX_PEEK_REFUSED = 4;

/** How many records are deleted in one transaction. */
const MAX_REMOVED_RECORDS = 256;

/** Says where records move to. */
export interface SpoolMoverOwner {
  /** The synced Realm; undefined if none is open or it has no room. Then the mover ends, until it is started again. */
  movingTo(): Destination | undefined;
  /** Records were committed to the synced Realm, in this turn. They are not deleted from the spool yet. */
  moved(count: number, sizeBytes: number): void;
  /** The spool has fewer records. */
  changed(): void;
}

/** The result of one step. */
type Step = 'progress' | 'end';

/**
 * Moves the spool's records, in the order of their `seq`, to the synced Realm as soon as there is one.
 *
 * Each slice is committed to the synced Realm, then deleted from the spool. After a crash in between, the records are sent
 * again with the same `_id`s and equal values, which the server recognises.
 *
 * A transaction that fails, for example on a full disk, is tried again with a back-off until it succeeds. A record that
 * Realm refuses ({@link RefusedRecordError}) is set aside, and the records behind it are moved. It is given up when the
 * destination takes another record. If no other record follows and the destination has taken one before, it is given up
 * when it is refused a second time, later.
 */
export class SpoolMover {
  readonly #spool: Spool;
  readonly #events: DeliveryEvents;
  readonly #owner: SpoolMoverOwner;
  readonly #backoff = new Backoff({ initialMillis: 1000, maxMillis: 300_000 });
  readonly #sleeper = new Sleeper();
  #running: Promise<void> | undefined;
  #isRunning = false;
  /** `seq`s of records that were moved and are still in the spool. */
  #moved: readonly number[] = [];
  /** `seq`s of records that were given up and are still in the spool. */
  #givenUp: readonly number[] = [];
  #destination: Destination | undefined;
  /** Whether the destination has taken a record. */
  #hasTakenRecord = false;
  /** `seq`s of records that the destination refused, ascending. */
  #refused: number[] = [];
  /** Why it refused the last one. */
  #cause: unknown;
  /** Whether records that are refused now were refused before. */
  #isLastTry = false;
  /** How many refused records were reported. */
  #reported = 0;
  #isStopped = false;

  constructor(spool: Spool, events: DeliveryEvents, owner: SpoolMoverOwner) {
    this.#spool = spool;
    this.#events = events;
    this.#owner = owner;
  }

  /** Whether it is moving, or waits to try again. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Starts to move. If it runs already, it ends its wait for the next attempt. */
  start(): void {
    if (this.#isStopped) return;
    if (this.#isRunning) this.#sleeper.wake();
    else this.#running = this.#run();
  }

  /** The destination took a record that was not in the spool: the records that it refused are given up. */
  noteStored(destination: Destination): void {
    this.#switchTo(destination);
    this.#hasTakenRecord = true;
    if (this.#refused.length === 0) return;
    this.#giveUpRefused();
    this.start();
  }

  /** Stops for good, between two slices. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#sleeper.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      while (!this.#isStopped) {
        const destination = this.#owner.movingTo();
        if (destination === undefined) return;
        this.#switchTo(destination);
        try {
          if (this.#step(destination) === 'end' && !(await this.#retryRefused())) return;
        } catch (cause) {
          this.#reportRetryable(`the spool cannot be moved now: ${describeCause(cause)}`, cause);
          await this.#sleeper.sleep(this.#backoff.next());
        }
        await nextTurn();
      }
    } finally {
      // Set in the turn of the last check, so that a later `start` begins a new run.
      this.#isRunning = false;
    }
  }

  /** Another Realm may take what the last one refused. */
  #switchTo(destination: Destination): void {
    if (destination === this.#destination) return;
    this.#destination = destination;
    this.#hasTakenRecord = false;
    this.#refused = [];
    this.#isLastTry = false;
    this.#reported = 0;
  }

  /**
   * Moves the next records, or sets the first of them aside.
   *
   * @returns `end` if no records are left, except refused ones
   * @throws whatever the spool throws, and whatever the destination throws except {@link RefusedRecordError}
   */
  #step(destination: Destination): Step {
    if (!this.#deleteSlice()) return 'progress';
    const lastRefused = this.#refused.at(-1);
    const isRefusing = this.#isLastTry || lastRefused !== undefined;
    const maxCount = isRefusing ? MAX_PEEK_REFUSED : MAX_PEEK_RECORDS;
    const { records, seqs, unreadable } = this.#spool.peek(
      maxCount,
      lastRefused === undefined ? 0 : lastRefused + 1,
    );
    if (unreadable.length > 0) {
      this.#spool.remove(unreadable);
      this.#drop('spool-unreadable', unreadable.length, undefined);
    }
    const [firstSeq] = seqs;
    if (firstSeq === undefined) return unreadable.length > 0 ? 'progress' : 'end';
    const taken = this.#store(destination, records);
    if (taken === 0) this.#setAside(firstSeq);
    else this.#noteMoved(seqs.slice(0, taken));
    this.#deleteSlice();
    return 'progress';
  }

  /** @returns how many records were stored, from the first on; 0 if that one is refused */
  #store(destination: Destination, records: readonly WritableRecord[]): number {
    for (let count = records.length; ;) {
      try {
        const { taken, stored, storedBytes } = destination.storeSlice(records, 0, count);
        this.#owner.moved(stored, storedBytes);
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
    else this.#refused.push(seq);
  }

  #noteMoved(seqs: readonly number[]): void {
    this.#backoff.reset();
    this.#moved = seqs;
    this.#hasTakenRecord = true;
    this.#giveUpRefused();
  }

  #giveUpRefused(): void {
    this.#givenUp = [...this.#givenUp, ...this.#refused];
    this.#refused = [];
    this.#reported = 0;
  }

  /** Nothing is left but refused records. @returns whether they are tried again now, after a sleep */
  async #retryRefused(): Promise<boolean> {
    this.#isLastTry = false;
    const { length } = this.#refused;
    if (length === 0) return false;
    if (!this.#hasTakenRecord) {
      if (this.#reported !== length) {
        const stay = `${length} of the spool stay there until the synced Realm takes another record`;
        this.#reportRetryable(`${stay}: ${describeCause(this.#cause)}`, this.#cause);
      }
      this.#reported = length;
      return false;
    }
    await this.#sleeper.sleep(this.#backoff.next());
    this.#refused = [];
    this.#isLastTry = true;
    return true;
  }

  /**
   * Deletes a slice of the records that were moved or given up. This comes before anything else is moved: if nothing can be
   * deleted from the spool, its records must not be sent again and again.
   *
   * @returns whether none of them is left
   */
  #deleteSlice(): boolean {
    if (this.#moved.length > 0) {
      this.#spool.remove(this.#moved);
      this.#moved = [];
      this.#owner.changed();
    }
    if (this.#givenUp.length === 0) return true;
    const slice = this.#givenUp.slice(0, MAX_REMOVED_RECORDS);
    // Some may have been dropped meanwhile, because of their age or to make room.
    const count = this.#spool.remove(slice);
    this.#givenUp = this.#givenUp.slice(slice.length);
    if (count > 0) this.#drop('write-failed', count, this.#cause);
    return this.#givenUp.length === 0;
  }

  #drop(reason: 'spool-unreadable' | 'write-failed', count: number, cause: unknown): void {
    this.#events.dropped(reason, count);
    const text = `${count} of the spool: ${cause === undefined ? 'unreadable' : describeCause(cause)}`;
    this.#events.failed(new ConnectionError('write-failed', text, { cause }));
    this.#owner.changed();
  }

  #reportRetryable(text: string, cause: unknown): void {
    this.#events.failed(new ConnectionError('write-failed', text, { cause, retryable: true }));
  }
}
