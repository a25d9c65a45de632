import type { NativeSession } from '../realm/realm-types.js';
import { withoutTracing } from '../suppression.js';

/** Told when the server has acknowledged records. */
export interface AcknowledgementListener {
  acknowledged(records: number): void;
}

/**
 * Counts the records that the server has not acknowledged yet.
 *
 * One wait is under way at a time. It ends when everything that was committed before it began is acknowledged. It has no
 * time limit, because each wait that times out leaves a callback behind in Realm for as long as the device is offline.
 */
export class Acknowledgements {
  readonly #listener: AcknowledgementListener;
  #session: NativeSession | undefined;
  #pending = 0;
  #pendingBytes = 0;
  /** Whether a server must still confirm that nothing of an earlier process is left. */
  #isUnsure = false;
  #isWaiting = false;
  #settledWaiters: (() => void)[] = [];

  constructor(listener: AcknowledgementListener) {
    this.#listener = listener;
  }

  /** Records that are committed to the synced Realm and not acknowledged. */
  get pending(): number {
    return this.#pending;
  }

  /** The sizes of those records. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Whether everything is known to be acknowledged. */
  get isSettled(): boolean {
    return this.#pending === 0 && !this.#isUnsure;
  }

  /** Takes over what an earlier process left. A server must confirm that nothing is left, even if `records` is 0. */
  inherit(records: number, bytes: number): void {
    this.#pending += records;
    this.#pendingBytes += bytes;
    this.#isUnsure = true;
    this.#wait();
  }

  /** Records were committed. */
  add(records: number, bytes: number): void {
    this.#pending += records;
    this.#pendingBytes += bytes;
    this.#wait();
  }

  /** Waits at this session from now on; at none if it is undefined. */
  use(session: NativeSession | undefined): void {
    if (session === this.#session) return;
    this.#session = session;
    this.#isWaiting = false;
    this.#wait();
  }

  /** Waits again if the last wait ended with an error: the session may be alive again. */
  retry(): void {
    this.#wait();
  }

  /** Stops counting, because the Realm is closed or lost. @returns how many records were not acknowledged */
  forget(): number {
    const lost = this.#pending;
    this.#pending = 0;
    this.#pendingBytes = 0;
    this.#isUnsure = false;
    this.#announceSettled();
    return lost;
  }

  /** Resolves once everything committed so far is acknowledged or forgotten. */
  settled(): Promise<void> {
    if (this.isSettled) return Promise.resolve();
    return new Promise((resolve) => {
      this.#settledWaiters.push(resolve);
    });
  }

  #wait(): void {
    const session = this.#session;
    if (session === undefined || this.#isWaiting || this.isSettled) return;
    this.#isWaiting = true;
    const covered = this.#pending;
    const coveredBytes = this.#pendingBytes;
    const done = (isAcknowledged: boolean): void => {
      if (session !== this.#session) return; // the answer is about an earlier session
      this.#isWaiting = false;
      if (isAcknowledged) this.#acknowledge(covered, coveredBytes);
    };
    try {
      withoutTracing(() => session.uploadAllLocalChanges()).then(
        () => {
          done(true);
        },
        () => {
          done(false);
        },
      );
    } catch {
      done(false); // the session is gone
    }
  }

  #acknowledge(records: number, bytes: number): void {
    const acknowledged = Math.min(records, this.#pending);
    this.#pending -= acknowledged;
    this.#pendingBytes = Math.max(0, this.#pendingBytes - bytes);
    this.#isUnsure = false;
    this.#listener.acknowledged(acknowledged);
    if (this.isSettled) this.#announceSettled();
    else this.#wait();
  }

  #announceSettled(): void {
    const waiters = this.#settledWaiters;
    this.#settledWaiters = [];
    for (const resolve of waiters) resolve();
  }
}
