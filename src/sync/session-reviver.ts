import { Backoff } from '../time/backoff.js';
import { Sleeper } from '../time/sleep.js';

/** Bounds of the time before sessions are revived, in milliseconds. */
const BACKOFF = { initialMillis: 1000, maxMillis: 300_000 };

/** Sync sessions that can be revived together. */
export interface RevivableSessions {
  reviveSessions(): void;
}

/**
 * Revives sync sessions some time after an error has ended one of them.
 *
 * | state     | changes to                                                      |
 * | --------- | --------------------------------------------------------------- |
 * | `idle`    | `waiting` at `schedule()`                                       |
 * | `waiting` | `idle` after the back-off, when the sessions are revived        |
 * | `stopped` | never; every other state changes to it at `stop()`              |
 */
export class SessionReviver {
  readonly #sessions: RevivableSessions;
  readonly #sleeper = new Sleeper();
  readonly #backoff = new Backoff(BACKOFF);
  #state: 'idle' | 'waiting' | 'stopped' = 'idle';

  constructor(sessions: RevivableSessions) {
    this.#sessions = sessions;
  }

  /** Revives the sessions later. Errors that come until then make no second attempt. */
  schedule(): void {
    if (this.#state === 'idle') void this.#revive();
  }

  stop(): void {
    this.#state = 'stopped';
    this.#sleeper.wake();
  }

  async #revive(): Promise<void> {
    this.#state = 'waiting';
    await this.#sleeper.sleep(this.#backoff.next());
    if (this.#isStopped()) return;
    this.#state = 'idle';
    this.#sessions.reviveSessions();
  }

  /** A method, because TypeScript keeps narrowing across `await`. */
  #isStopped(): boolean {
    return this.#state === 'stopped';
  }
}
