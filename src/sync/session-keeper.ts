import { Alarm } from '../time/alarm.js';
import { Backoff } from '../time/backoff.js';
import { ConnectionError, describeCause, readCode } from '../connection-error.js';
import { EarlierRealms } from './earlier-realms.js';
import { encodeFileName } from '../disk/file-name.js';
import { isRefusal } from './login-refusal.js';
import type { SessionKeeperOptions } from './session-keeper-options.js';
import type { NativeSyncError, NativeUser } from '../realm/realm-types.js';
import { withoutTracing } from '../suppression.js';
import { ABSENCE_MILLIS, SyncedRealm } from './synced-realm.js';
import { nextTurn } from '../time/next-turn.js';
import { isAnonymous, isLoggedIn, type UserSource } from './user-source.js';

/** How often the app is asked whether it has logged a user in meanwhile, where that is its own business. */
const USER_POLL_MILLIS = 5000;

/** Bounds of the time between attempts to log in, open or revive. */
const BACKOFF = { initialMillis: 1000, maxMillis: 300_000 };

/**
 * Sees to it that a synced Realm is open: finds the cached user or logs in, again and again, opens the Realm without
 * waiting for the network, revives a session that an error ended, and begins anew when the user is gone.
 */
export class SessionKeeper {
  readonly #options: SessionKeeperOptions;
  readonly #alarm = new Alarm();
  readonly #loginBackoff = new Backoff(BACKOFF);
  readonly #reviveAlarm = new Alarm();
  readonly #reviveBackoff = new Backoff(BACKOFF);
  readonly #earlier: EarlierRealms;
  /** Paths of all Realms that were ever opened: sessions outlive their Realms. */
  readonly #opened = new Set<string>();
  /** Unacknowledged records in files of users that are logged out, by path. */
  readonly #left = new Map<string, number>();
  /** Records of an earlier life, until the Realm that holds them is open. */
  #inherited: number | undefined;
  #source: UserSource | undefined;
  #current: SyncedRealm | undefined;
  #needsLogin = true;
  #isRefused = false;
  #isPaused = false;
  #isClosed = false;
  #isReviving = false;
  #running: Promise<void> | undefined;
  #endFirstAttempt: () => void = () => undefined;
  readonly #firstAttempt = new Promise<void>((resolve) => {
    this.#endFirstAttempt = resolve;
  });

  constructor(options: SessionKeeperOptions) {
    this.#options = options;
    this.#earlier = new EarlierRealms(options.onChange);
  }

  /** The open synced Realm, if its user is still logged in. */
  get synced(): SyncedRealm | undefined {
    return this.#current;
  }

  /** Records in synced Realms that no server has acknowledged. */
  get unsynced(): number {
    let records = (this.#inherited ?? 0) + (this.#current?.acknowledgements.pending ?? 0);
    records += this.#earlier.pending;
    for (const left of this.#left.values()) records += left;
    return records;
  }

  /** Whether no server owes an acknowledgement. */
  get isSettled(): boolean {
    return (
      this.#inherited === undefined &&
      this.#left.size === 0 &&
      this.#earlier.isEmpty &&
      (this.#current?.acknowledgements.isSettled ?? true)
    );
  }

  /** Whether the server refused the credentials, or the user is logged out and nobody can log in but the app. */
  get isUnauthorized(): boolean {
    return this.#isRefused;
  }

  /** Whether a session still uses one of the files: then no other process may open it. */
  get hasFilesInUse(): boolean {
    const { isDurable, slot } = this.#options;
    return isDurable && [...this.#opened].some((path) => slot.readRealmLock(path)?.hasSyncAgent === true);
  }

  /** Resolves once it is known whether the server can be reached: after the first attempt, or when there will be none. */
  firstAttempt(): Promise<void> {
    return this.#firstAttempt;
  }

  /** Begins. Records of an earlier life are those that its mark counts and its spool does not hold. */
  start(inherited: number | undefined): void {
    this.#inherited = inherited;
    this.#running = this.#run();
  }

  /** Looks whether the user is still there, and asks again for what is unacknowledged. */
  check(): void {
    const current = this.#current;
    if (current === undefined) return;
    if (!isLoggedIn(current.user)) this.#loseUser(current);
    else if (current.realm.isClosed) this.#reopen(current);
    else current.acknowledgements.retry();
  }

  /** Goes off the network. */
  pause(): void {
    this.#isPaused = true;
    this.#endFirstAttempt();
    for (const synced of this.#all()) synced.pause();
  }

  /** Comes back. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    for (const synced of this.#all()) synced.resume();
    this.#alarm.ring();
  }

  /** Closes every Realm. Sessions may use their files for some milliseconds more: see {@link hasFilesInUse}. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#endFirstAttempt();
    this.#alarm.ring();
    this.#reviveAlarm.ring();
    for (const synced of this.#all()) {
      // Without files, a Realm whose session is cut is erased with its last handle.
      if (this.#options.isDurable || synced.acknowledgements.isSettled || !this.#isPaused) synced.close();
    }
    this.#earlier.clear();
    this.#current = undefined;
    // A login that is under way ends by itself, in a minute at the latest; nobody waits for it.
    await Promise.race([this.#running, nextTurn()]);
  }

  async #run(): Promise<void> {
    await nextTurn();
    while (!this.#isClosed) {
      const delay = await this.#attempt();
      this.#options.onChange();
      if (!this.#hasEnded()) await this.#alarm.sleep(this.#isPaused ? undefined : delay);
    }
  }

  /** @returns how long to wait before the next attempt; undefined until something happens */
  async #attempt(): Promise<number | undefined> {
    // Opening a Realm dials at once. As long as none is open, records go into the spool.
    if (this.#isOffline()) return undefined;
    try {
      const source = (this.#source ??= this.#options.openSource(this.#options.slot));
      if (this.#current === undefined) {
        const cached = source.cachedUser();
        if (cached !== undefined) this.#open(cached);
      }
      if (source.logIn === undefined) return this.#waitForApp();
      if (!this.#needsLogin && this.#current?.mayBeForgotten !== true) return ABSENCE_MILLIS;
      const user = await source.logIn();
      if (this.#hasEnded() || this.#isOffline()) return undefined;
      this.#needsLogin = false;
      this.#isRefused = false;
      this.#loginBackoff.reset();
      this.#use(user);
      return ABSENCE_MILLIS;
    } catch (cause) {
      return this.#hasEnded() ? undefined : this.#fail(cause);
    }
  }

  #waitForApp(): number | undefined {
    this.#isRefused = this.#current === undefined;
    if (this.#isRefused) this.#endFirstAttempt();
    return this.#isRefused ? USER_POLL_MILLIS : undefined;
  }

  #fail(cause: unknown): number {
    this.#endFirstAttempt();
    if (cause instanceof ConnectionError) {
      this.#options.onError(cause);
      this.#isRefused = cause.code === 'login-refused';
      return this.#isRefused ? this.#loginBackoff.longest() : this.#loginBackoff.next();
    }
    const text = describeCause(cause);
    this.#isRefused = isRefusal(cause);
    if (this.#isRefused) {
      this.#options.onError(
        new ConnectionError('login-refused', `${text}; it is tried again every few minutes`, { cause }),
      );
      return this.#loginBackoff.longest();
    }
    const particulars = [this.#source?.baseUrl, text].filter((part) => part !== undefined).join(': ');
    this.#options.onError(new ConnectionError('login-failed', particulars, { cause, retryable: true }));
    return this.#loginBackoff.next();
  }

  #use(user: NativeUser): void {
    const current = this.#current;
    if (current?.user.id === user.id) return;
    if (current !== undefined) {
      // Anonymous credentials that do not reuse their user make a new one at each login.
      if (isAnonymous(current.user) && isAnonymous(user)) return;
      this.#current = undefined;
      this.#earlier.add(current);
    }
    this.#open(user);
  }

  #open(user: NativeUser): void {
    const synced = this.#openFile(user);
    this.#current = synced;
    // A listener is not told of a connection that existed before it was registered.
    if (synced.isConnected) this.#endFirstAttempt();
    const left = this.#left.get(synced.path);
    this.#left.delete(synced.path);
    const inherited = this.#inherited;
    this.#inherited = undefined;
    if (inherited !== undefined || left !== undefined) {
      synced.acknowledgements.inherit((inherited ?? 0) + (left ?? 0), synced.usedBytes);
    }
    this.#options.onOpen(synced);
    this.#openEarlier(user);
  }

  #openFile(user: NativeUser): SyncedRealm {
    const { Realm, schema, encryptionKey, budget, shouldCompact, onChange, onAcknowledged } = this.#options;
    const { slot, isDurable } = this.#options;
    const path = this.#pathOf(user);
    this.#opened.add(path);
    try {
      const synced: SyncedRealm = new SyncedRealm({
        Realm,
        path,
        user,
        schema,
        encryptionKey,
        onError: (error) => {
          void nextTurn().then(() => {
            this.#onSyncError(synced, error);
          });
        },
        onConnectionChange: (state) => {
          if (state !== 'connecting') this.#endFirstAttempt();
          if (this.#current === synced) this.check();
          onChange();
        },
        onAcknowledged,
        slot,
        isDurable,
        budget,
        shouldCompact,
      });
      return synced;
    } catch (cause) {
      throw new ConnectionError('open-failed', describeCause(cause), { cause, retryable: true });
    }
  }

  /** Files of other users that are still logged in, from before the credentials were changed. */
  #openEarlier(current: NativeUser): void {
    const { isDurable, slot } = this.#options;
    const app = this.#source?.app;
    if (app === undefined || !isDurable || slot.directory === undefined) return;
    const open = new Set([...this.#all()].map(({ path }) => path));
    for (const user of Object.values(withoutTracing(() => app.allUsers))) {
      const path = this.#pathOf(user);
      if (user.id === current.id || open.has(path) || !isLoggedIn(user) || !slot.exists(path)) continue;
      try {
        const synced = this.#openFile(user);
        synced.acknowledgements.inherit(0, synced.usedBytes);
        this.#earlier.add(synced);
      } catch (cause) {
        if (cause instanceof ConnectionError) this.#options.onError(cause);
      }
    }
  }

  /** The app has closed it, to which `connection.realm` gave it. */
  #reopen(synced: SyncedRealm): void {
    this.#current = undefined;
    const records = synced.acknowledgements.forget();
    synced.close();
    if (records > 0) this.#left.set(synced.path, records);
    this.#options.onError(
      new ConnectionError('sync-failed', 'the app has closed the synced Realm, which is opened again', {
        retryable: true,
      }),
    );
    this.#beginAnew();
  }

  #loseUser(synced: SyncedRealm): void {
    this.#current = undefined;
    const isKept = this.#options.isDurable && !/removed/i.test(synced.user.state);
    const records = synced.acknowledgements.forget();
    synced.close();
    if (isKept) {
      if (records > 0) this.#left.set(synced.path, records);
    } else {
      this.#options.onLost('user-removed', records);
      synced.deleteFile();
    }
    const fate = isKept ? 'wait for its next login' : 'are lost';
    this.#options.onError(
      new ConnectionError(
        'user-removed',
        `${synced.user.id} was ${isKept ? 'logged out' : 'removed'}; ${records} of its records ${fate}`,
        { retryable: true },
      ),
    );
    this.#beginAnew();
  }

  #onSyncError(synced: SyncedRealm, error: NativeSyncError): void {
    if (this.#hasEnded() || ![...this.#all()].includes(synced)) return;
    if (synced === this.#current && !isLoggedIn(synced.user)) {
      this.#loseUser(synced);
      return;
    }
    const text = `${describeCause(error)} (${readCode(error) ?? 'no code'})`;
    this.#options.onError(new ConnectionError('sync-failed', text, { cause: error, retryable: true }));
    if (error.name === 'ClientReset') this.#resetFile(synced);
    else if (error.isFatal !== false) void this.#revive();
  }

  /** The server and the file do not agree any more, and Realm could not mend it: a new file. */
  #resetFile(synced: SyncedRealm): void {
    const records = synced.acknowledgements.forget();
    this.#earlier.delete(synced);
    synced.close();
    this.#options.onLost('client-reset', records);
    const { Realm } = this.#options;
    const app = this.#source?.app;
    const sync = Realm.App.Sync;
    try {
      if (app === undefined || sync?.initiateClientReset === undefined) synced.deleteFile();
      else withoutTracing(() => sync.initiateClientReset?.(app, synced.path)); // keeps a copy for the curious
    } catch {
      synced.deleteFile();
    }
    if (synced !== this.#current) return;
    this.#current = undefined;
    this.#beginAnew();
  }

  /** An error has ended the session: it is brought back after a while. */
  async #revive(): Promise<void> {
    if (this.#isReviving) return;
    this.#isReviving = true;
    await this.#reviveAlarm.sleep(this.#reviveBackoff.next());
    this.#isReviving = false;
    if (this.#isClosed || this.#isPaused) return;
    for (const synced of this.#all()) synced.resume();
  }

  #beginAnew(): void {
    this.#needsLogin = this.#source?.logIn !== undefined && this.#source.cachedUser() === undefined;
    this.#alarm.ring();
    this.#options.onChange();
  }

  #pathOf(user: NativeUser): string {
    return this.#options.slot.path(`user-${encodeFileName(user.id)}.realm`);
  }

  #all(): Set<SyncedRealm> {
    const all = new Set(this.#earlier);
    if (this.#current !== undefined) all.add(this.#current);
    return all;
  }

  /** A method, because TypeScript keeps narrowing across `await`; so is the next. */
  #hasEnded(): boolean {
    return this.#isClosed;
  }

  #isOffline(): boolean {
    return this.#isPaused;
  }
}
