import { ConnectionError, describeCause } from '../connection-error.js';
import type { DeliveryEvents } from '../delivery-events.js';
import { DeviceFullError } from '../disk/device-full-error.js';
import type { ExporterError } from '../errors.js';
import type { Destination, WritableRecord } from '../realm/destination.js';
import { nextTurn } from '../time/next-turn.js';
import { sleep } from '../time/sleep.js';
import type { WriteOutcome } from './record-target.js';

/** In how many turns a Realm in a transaction of the app is polled before the timer takes over. */
const BUSY_TURNS = 10;

/** Interval of that timer, in milliseconds. */
const BUSY_POLL_MILLIS = 5;

/** How long a write waits for the end of a transaction of the app, in milliseconds. */
const MAX_BUSY_MILLIS = 30_000;

/** Consecutive single-record failures before a destination counts as broken. */
const MAX_REFUSED_RECORDS = 2;

/** The destination of the next slice, and its room. */
export interface PickedDestination {
  readonly destination: Destination;
  /** How many bytes of records fit there, by their own sizes. */
  readonly roomBytes: number;
  /** Whether another destination can be picked if this one takes no records at all. */
  readonly hasAlternative?: boolean;
}

/** Picks destinations for a {@link RecordWriter}. */
export interface DestinationPicker {
  /**
   * Picks the destination of the next slice. It may change from slice to slice.
   *
   * @param nextBytes - the size of the next record
   * @param avoided - a destination that takes no records and has an alternative
   * @returns undefined while room is being made: ask again in a later turn
   * @throws ConnectionError if records cannot be stored anywhere now
   */
  pick(nextBytes: number, avoided: Destination | undefined): PickedDestination | undefined;
  /** A slice was committed, in this turn. */
  stored(destination: Destination, count: number, sizeBytes: number): void;
}

/**
 * Writes records one call after the other, in slices, with a turn of the event loop between two slices.
 *
 * A slice that fails is tried again record by record, so that only the record that Realm refuses is lost. If the
 * destination takes no record at all, the records go to its alternative, if there is one.
 */
export class RecordWriter {
  readonly #picker: DestinationPicker;
  readonly #events: Pick<DeliveryEvents, 'dropped' | 'failed'>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(picker: DestinationPicker, events: Pick<DeliveryEvents, 'dropped' | 'failed'>) {
    this.#picker = picker;
    this.#events = events;
  }

  /** Never rejects. */
  write(records: readonly WritableRecord[]): Promise<WriteOutcome> {
    const calledAt = performance.now();
    const outcome = this.#last.then(() => this.#store(records, calledAt));
    this.#last = outcome;
    return outcome;
  }

  /** Resolves when every record given so far is stored or given up. Never rejects. */
  async idle(): Promise<void> {
    await this.#last;
  }

  async #store(records: readonly WritableRecord[], calledAt: number): Promise<WriteOutcome> {
    const progress: Progress = { next: 0, stored: 0, refused: 0, isOneByOne: false };
    while (progress.next < records.length) {
      const { next } = progress;
      let picked: PickedDestination | undefined;
      let maxCount = progress.isOneByOne ? 1 : records.length - next;
      try {
        picked = this.#picker.pick(records[next]?.sizeBytes ?? 0, progress.avoided);
        if (picked === undefined) {
          await nextTurn();
          continue;
        }
        const { destination, roomBytes } = picked;
        if (destination.isBusy) {
          await leaveTransaction(destination, calledAt + MAX_BUSY_MILLIS);
          continue; // the right destination may have changed
        }
        maxCount = Math.min(maxCount, countWithin(records, next, roomBytes));
        const result = destination.storeSlice(records, next, maxCount);
        progress.next += result.taken;
        progress.stored += result.stored;
        progress.refused = 0;
        progress.lastCause = result.error ?? progress.lastCause;
        this.#picker.stored(destination, result.stored, result.storedBytes);
      } catch (cause) {
        progress.lastCause = cause;
        if (!this.#continueAfter(cause, progress, records.length, picked, maxCount)) break;
      }
      if (progress.next < records.length) await nextTurn();
    }
    const { stored, lastCause } = progress;
    const failed = records.length - stored;
    if (failed === 0) return { stored, failed };
    const error = toError(failed, lastCause);
    this.#events.dropped(error.code, failed);
    this.#events.failed(error);
    return { stored, failed, error };
  }

  /**
   * Decides how to continue after a slice that was not stored.
   *
   * @returns false if the remaining records are given up
   */
  #continueAfter(
    cause: unknown,
    progress: Progress,
    recordCount: number,
    picked: PickedDestination | undefined,
    sliceCount: number,
  ): boolean {
    if (cause instanceof ConnectionError) return false; // there is no destination
    const isBusy = cause instanceof BusyRealmError;
    if (!isBusy) {
      if (sliceCount > 1) {
        progress.isOneByOne = true;
        return true;
      }
      progress.next += 1;
      progress.refused += 1;
      const isNoneTaken = progress.stored === 0 && progress.next === recordCount;
      if (progress.refused < MAX_REFUSED_RECORDS && !isNoneTaken) return true;
    }
    if (picked?.hasAlternative !== true) return !isBusy;
    progress.avoided = picked.destination;
    progress.next -= progress.refused;
    progress.refused = 0;
    progress.isOneByOne = false;
    const text = `the synced Realm takes no records, which are kept in the spool: ${describeCause(cause)}`;
    this.#events.failed(new ConnectionError('sync-failed', text, { cause, retryable: true }));
    return true;
  }
}

/** The progress of one call of `write`. */
interface Progress {
  next: number;
  stored: number;
  /** How many single-record failures came just before `next`. */
  refused: number;
  isOneByOne: boolean;
  /** A destination that took no records and has an alternative. */
  avoided?: Destination;
  lastCause?: unknown;
}

/** How many records, at least one, fit into `maxBytes`. */
function countWithin(records: readonly WritableRecord[], from: number, maxBytes: number): number {
  let bytes = 0;
  for (let next = from; next < records.length; next += 1) {
    bytes += records[next]?.sizeBytes ?? 0;
    if (bytes > maxBytes) return Math.max(1, next - from);
  }
  return Infinity;
}

function toError(failed: number, cause: unknown): ExporterError {
  if (cause instanceof DeviceFullError) return cause.ofRecords(failed);
  return new ConnectionError('write-failed', `${failed} of them: ${describeCause(cause)}`, { cause });
}

/** The Realm was in a transaction of the app for too long. */
class BusyRealmError extends Error {}

/**
 * Waits for a turn in which the Realm is not in a transaction of the app.
 *
 * @throws BusyRealmError if there is none before the deadline
 */
async function leaveTransaction(destination: Destination, deadline: number): Promise<void> {
  for (let turns = 0; destination.isBusy; turns += 1) {
    if (performance.now() > deadline) {
      throw new BusyRealmError(`the Realm was in a transaction of the app for ${MAX_BUSY_MILLIS / 1000} s`);
    }
    if (turns < BUSY_TURNS) await nextTurn();
    else await sleep(BUSY_POLL_MILLIS);
  }
}
