import type { NativeSession } from '../realm/realm-types.js';
import { withoutTracing } from '../suppression.js';

/** Called when the server has acknowledged more. */
export type AcknowledgedListener = (records: number) => void;

/**
 * Knows how many records the server has yet to acknowledge.
 *
 * One wait is under way at a time: it ends when what was committed before it began is acknowledged. A wait has no time
 * limit, for each one that times out would leave a callback behind in Realm for as long as the device is offline.
 */
export class Acknowledgements {
  readonly #onAcknowledged: AcknowledgedListener;
  #session: NativeSession | undefined;
  #pending = 0;
  #pendingBytes = 0;
  /** Whether a server has yet to confirm that nothing of an earlier life is left. */
  #isUnsure = false;
  #isWaiting = false;
  #settledWaiters: (() => void)[] = [];

  constructor(onAcknowledged: AcknowledgedListener) {
    this.#onAcknowledged = onAcknowledged;
  }

  /** Records that are committed to the synced Realm and not acknowledged. */
  get pending(): number {
    return this.#pending;
  }

  /** What they take by their own sizes, in bytes. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Whether everything is known to be acknowledged. */
  get isSettled(): boolean {
    return this.#pending === 0 && !this.#isUnsure;
  }

  /** Takes over what an earlier process left: so many records, or an unknown number. */
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

  /** Goes on with this session, or with none for now. */
  use(session: NativeSession | undefined): void {
    if (session === this.#session) return;
    this.#session = session;
    this.#isWaiting = false;
    this.#wait();
  }

  /** Asks again, where a wait had ended with an error: the session may have come back to life. */
  retry(): void {
    this.#wait();
  }

  /** The records are lost; says how many there were. */
  forget(): number {
    const lost = this.#pending;
    this.#pending = 0;
    this.#pendingBytes = 0;
    this.#isUnsure = false;
    this.#announceSettled();
    return lost;
  }

  /** Resolves once everything committed so far is acknowledged or lost. */
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
      if (session !== this.#session) return; // of a session that was given up
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
      done(false); // a session that is gone throws
    }
  }

  #acknowledge(records: number, bytes: number): void {
    const acknowledged = Math.min(records, this.#pending);
    this.#pending -= acknowledged;
    this.#pendingBytes = Math.max(0, this.#pendingBytes - bytes);
    this.#isUnsure = false;
    this.#onAcknowledged(acknowledged);
    if (this.isSettled) this.#announceSettled();
    else this.#wait();
  }

  #announceSettled(): void {
    const waiters = this.#settledWaiters;
    this.#settledWaiters = [];
    for (const resolve of waiters) resolve();
  }
}
