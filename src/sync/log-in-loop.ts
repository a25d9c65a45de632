import { ConnectionError, describeCause } from '../connection-error.js';
import type { Slot } from '../disk/slot.js';
import { Backoff } from '../time/backoff.js';
import { nextTurn } from '../time/next-turn.js';
import { Sleeper } from '../time/sleep.js';
import type { ConnectionContext } from './connection-context.js';
import { isRefusal } from './login-refusal.js';
import type { SyncOwner } from './sync-owner.js';
import { ABSENCE_MILLIS } from './synced-realm.js';
import type { UserRealms } from './user-realms.js';
import type { UserSource } from './user-source.js';

/** How often the App is asked for a user if only the app can log in, in milliseconds. */
const USER_POLL_MILLIS = 5000;

/** Bounds of the time between two attempts, in milliseconds. */
const BACKOFF = { initialMillis: 1000, maxMillis: 300_000 };

/**
 * What the loop knows about its user.
 *
 * | state             | meaning                                             | changes to                                  |
 * | ----------------- | --------------------------------------------------- | ------------------------------------------- |
 * | `needed`          | no log-in yet; a cached user's Realm may be open    | `logged-in`, `refused`, `waiting-for-app`   |
 * | `refused`         | as `needed`; the server refused the credentials     | `logged-in`; `needed` at another failure    |
 * | `waiting-for-app` | no credentials, and the App has no user             | `logged-in` when the App has a user         |
 * | `logged-in`       | a user is known; renewed after a long absence       | `renewal-refused`; `needed` if user is gone |
 * | `renewal-refused` | as `logged-in`; the server refused the renewal      | `logged-in`; `needed` if the user is gone   |
 */
type LogInState = 'needed' | 'refused' | 'waiting-for-app' | 'logged-in' | 'renewal-refused';

/**
 * Finds a user for the synced Realm of a slot: the cached one, also without a network, and one that logs in with the
 * credentials. It tries again with a back-off until it succeeds, and logs in anew when the server may have forgotten the
 * user.
 */
export class LogInLoop {
  readonly #slot: Slot;
  readonly #realms: UserRealms;
  readonly #context: ConnectionContext;
  readonly #owner: SyncOwner;
  readonly #sleeper = new Sleeper();
  readonly #backoff = new Backoff(BACKOFF);
  #source: UserSource | undefined;
  #state: LogInState = 'needed';
  #isPaused = false;
  #isClosed = false;
  #running: Promise<void> | undefined;

  constructor(slot: Slot, realms: UserRealms, context: ConnectionContext, owner: SyncOwner) {
    this.#slot = slot;
    this.#realms = realms;
    this.#context = context;
    this.#owner = owner;
  }

  /** Whether the server refused the credentials, or the user is logged out and only the app can log in. */
  get isUnauthorized(): boolean {
    return this.#state !== 'needed' && this.#state !== 'logged-in';
  }

  /** Begins in a later turn. */
  start(): void {
    this.#running = this.#run();
  }

  /** Finds a user at once, because the last one is gone. */
  restart(): void {
    const source = this.#source;
    const isNeeded = source?.logIn !== undefined && source.cachedUser() === undefined;
    this.#state = isNeeded ? 'needed' : 'logged-in';
    this.#sleeper.wake();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#sleeper.wake();
  }

  /** Ends the loop. Does not wait for a log-in that is under way: it ends by itself, after a minute at most. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#sleeper.wake();
    await Promise.race([this.#running, nextTurn()]);
  }

  async #run(): Promise<void> {
    await nextTurn();
    while (!this.#isClosed) {
      const delay = await this.#attempt();
      this.#owner.changed();
      if (!this.#hasEnded()) await this.#sleeper.sleep(this.#isPaused ? undefined : delay);
    }
  }

  /** @returns how long to wait before the next attempt; undefined until `restart` or `resume` */
  async #attempt(): Promise<number | undefined> {
    // A Realm dials as soon as it is opened. Until one is open, records go into the spool.
    if (this.#isOffline()) return undefined;
    const realms = this.#realms;
    try {
      const source = (this.#source ??= this.#context.openSource(this.#slot));
      if (realms.current === undefined) {
        const cached = source.cachedUser();
        if (cached !== undefined) realms.use(cached, source.app);
      }
      if (source.logIn === undefined) return this.#waitForApp();
      if (this.#hasLoggedIn && realms.current?.needsNewLogIn === false) {
        this.#state = 'logged-in';
        return ABSENCE_MILLIS;
      }
      const user = await source.logIn();
      if (this.#hasEnded() || this.#isOffline()) return undefined;
      this.#state = 'logged-in';
      this.#backoff.reset();
      realms.use(user, source.app);
      return ABSENCE_MILLIS;
    } catch (cause) {
      return this.#hasEnded() ? undefined : this.#fail(cause);
    }
  }

  get #hasLoggedIn(): boolean {
    return this.#state === 'logged-in' || this.#state === 'renewal-refused';
  }

  #waitForApp(): number | undefined {
    if (this.#realms.current !== undefined) {
      this.#state = 'logged-in';
      return undefined;
    }
    this.#state = 'waiting-for-app';
    this.#realms.endFirstAttempt();
    return USER_POLL_MILLIS;
  }

  #fail(cause: unknown): number {
    this.#realms.endFirstAttempt();
    const error = this.#toError(cause);
    const isRefused = error.code === 'login-refused';
    if (this.#hasLoggedIn) this.#state = isRefused ? 'renewal-refused' : 'logged-in';
    else this.#state = isRefused ? 'refused' : 'needed';
    this.#context.events.failed(error);
    return isRefused ? this.#backoff.longest() : this.#backoff.next();
  }

  #toError(cause: unknown): ConnectionError {
    if (cause instanceof ConnectionError) return cause;
    const text = describeCause(cause);
    if (isRefusal(cause)) {
      return new ConnectionError('login-refused', `${text}; it is tried again every few minutes`, { cause });
    }
    const particulars = [this.#source?.baseUrl, text].filter((part) => part !== undefined).join(': ');
    return new ConnectionError('login-failed', particulars, { cause, retryable: true });
  }

  /** A method, because TypeScript keeps narrowing across `await`; so is the next one. */
  #hasEnded(): boolean {
    return this.#isClosed;
  }

  #isOffline(): boolean {
    return this.#isPaused;
  }
}
