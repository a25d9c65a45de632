import type { ExporterError } from '../errors.js';
import { ConnectionError, describeCause } from '../connection-error.js';
import type { Destination, WritableRecord } from '../realm/destination.js';
import type { WriteOutcome } from './record-target.js';
import { DeviceFullError } from './device-full-error.js';
import { nextTurn } from '../time/next-turn.js';

/** How often a Realm that is in somebody else's transaction is looked at again, in milliseconds, once a few turns passed. */
const BUSY_POLL_MILLIS = 5;
const BUSY_TURNS = 10;

/** How long an export waits for the end of a transaction of the app, from its call on, in milliseconds. */
const MAX_BUSY_MILLIS = 30_000;

/** So many records one after the other that a destination does not take even alone: then it takes none. */
const MAX_REFUSED_RECORDS = 2;

/** Where records go, and how much of them. */
export interface Place {
  readonly destination: Destination;
  /** How many bytes of records fit there, by their own sizes. */
  readonly roomBytes: number;
  /** Whether there is another place, should this one take no records at all. */
  readonly hasAlternative?: boolean;
}

/** What a writer needs to know. */
export interface RecordWriterOptions {
  /**
   * Where the next slice goes; it may change from slice to slice.
   *
   * @param nextBytes - the size of the next record
   * @param avoided - what takes no records, although it had an alternative
   * @returns undefined while room is being made: it is asked again in a later turn
   * @throws ConnectionError if records cannot be stored anywhere now
   */
  readonly place: (nextBytes: number, avoided: Destination | undefined) => Place | undefined;
  /** Called after each slice, in the same turn. */
  readonly onStored: (destination: Destination, count: number, sizeBytes: number) => void;
  /** Called when a destination takes no records: the alternative is tried. */
  readonly onRefused: (cause: unknown) => void;
  /** Called when records were given up. */
  readonly onFailed: (count: number, error: ExporterError) => void;
}

/**
 * Writes records one call after the other, in slices that leave the event loop to others in between.
 *
 * A slice that fails is tried again record by record: the one that Realm does not take is lost alone. Where it takes none,
 * they go to another place, if there is one.
 */
export class RecordWriter {
  readonly #options: RecordWriterOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: RecordWriterOptions) {
    this.#options = options;
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
      let place: Place | undefined;
      let maxCount = progress.isOneByOne ? 1 : records.length - next;
      try {
        place = this.#options.place(records[next]?.sizeBytes ?? 0, progress.avoided);
        if (place === undefined) {
          await nextTurn();
          continue;
        }
        const { destination, roomBytes } = place;
        if (destination.isBusy) {
          await leaveTransaction(destination, calledAt + MAX_BUSY_MILLIS);
          continue; // another may be the destination now
        }
        maxCount = Math.min(maxCount, countWithin(records, next, roomBytes));
        const result = destination.storeSlice(records, next, maxCount);
        progress.next += result.taken;
        progress.stored += result.stored;
        progress.refused = 0;
        progress.lastCause = result.error ?? progress.lastCause;
        this.#options.onStored(destination, result.stored, result.storedBytes);
      } catch (cause) {
        progress.lastCause = cause;
        if (!this.#goOn(progress, records.length, place, maxCount, cause)) break;
      }
      if (progress.next < records.length) await nextTurn();
    }
    const { stored, lastCause } = progress;
    const failed = records.length - stored;
    if (failed === 0) return { stored, failed };
    const error = toError(failed, lastCause);
    this.#options.onFailed(failed, error);
    return { stored, failed, error };
  }

  /**
   * Decides what comes after a slice that was not stored.
   *
   * @returns false if what is left is given up
   */
  #goOn(
    progress: Progress,
    recordCount: number,
    place: Place | undefined,
    sliceCount: number,
    cause: unknown,
  ): boolean {
    if (cause instanceof ConnectionError) return false; // there is no place
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
    if (place?.hasAlternative !== true) return !isBusy;
    progress.avoided = place.destination;
    progress.next -= progress.refused;
    progress.refused = 0;
    progress.isOneByOne = false;
    this.#options.onRefused(cause);
    return true;
  }
}

/** How far one call has come. */
interface Progress {
  next: number;
  stored: number;
  /** How many records before `next` were not taken even alone, one after the other. */
  refused: number;
  isOneByOne: boolean;
  /** What took no records, although it had an alternative. */
  avoided?: Destination;
  lastCause?: unknown;
}

/** How many records, at least one, come to no more than so many bytes. */
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

/** A Realm that is still in a transaction of the app when the time for it to end is over. */
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
    else await new Promise((resolve) => setTimeout(resolve, BUSY_POLL_MILLIS));
  }
}
