import { ConnectionError, describeCause, readCode } from '../connection-error.js';
import { encodeFileName } from '../disk/file-name.js';
import type { Slot } from '../disk/slot.js';
import type { NativeApp, NativeSyncError, NativeUser } from '../realm/realm-types.js';
import { withoutTracing } from '../suppression.js';
import { nextTurn } from '../time/next-turn.js';
import type { ConnectionContext } from './connection-context.js';
import { SessionReviver, type RevivableSessions } from './session-reviver.js';
import type { SyncOwner } from './sync-owner.js';
import { SyncedRealm, type SyncedRealmOwner } from './synced-realm.js';
import { isAnonymous, isLoggedIn } from './user-source.js';

/**
 * The Realm of one user.
 *
 * | state     | meaning                                             | changes to                                       |
 * | --------- | --------------------------------------------------- | ------------------------------------------------ |
 * | (none)    | not open                                            | `current`; `earlier` if the file is from before  |
 * | `current` | open; takes new records                             | `earlier` when another user logs in; `left` when |
 * |           |                                                     | its user logs out or the app closes it; (none)   |
 * |           |                                                     | when its user is removed or its file is reset    |
 * | `earlier` | open until everything in it is acknowledged, then   | (none); `current` when its user logs in again    |
 * |           | the file is deleted                                 |                                                  |
 * | `left`    | closed, with unacknowledged records in the file     | `current` or `earlier` when its user logs in     |
 */
type UserRealm =
  | { readonly state: 'current' | 'earlier'; readonly synced: SyncedRealm }
  | { readonly state: 'left'; readonly records: number };

/** The synced Realms in a slot, one for each user. At most one is current. */
export class UserRealms implements SyncedRealmOwner, RevivableSessions {
  readonly #slot: Slot;
  readonly #isDurable: boolean;
  readonly #context: ConnectionContext;
  readonly #owner: SyncOwner;
  readonly #reviver = new SessionReviver(this);
  /** By path. */
  readonly #realms = new Map<string, UserRealm>();
  /** Paths of all Realms that were ever opened: sync sessions outlive their Realms. */
  readonly #opened = new Set<string>();
  /** Unacknowledged records of an earlier process, until the Realm that holds them is open. */
  #inherited: number | undefined;
  #app: NativeApp | undefined;
  #isPaused = false;
  #isClosed = false;
  #endFirstAttempt: () => void = () => undefined;
  readonly #firstAttempt = new Promise<void>((resolve) => {
    this.#endFirstAttempt = resolve;
  });

  /**
   * @param isDurable - whether Realm's files outlive the process
   * @param inherited - records that an earlier process left unacknowledged, at least; undefined if it left none
   */
  constructor(
    slot: Slot,
    isDurable: boolean,
    inherited: number | undefined,
    context: ConnectionContext,
    owner: SyncOwner,
  ) {
    this.#slot = slot;
    this.#isDurable = isDurable;
    this.#inherited = inherited;
    this.#context = context;
    this.#owner = owner;
  }

  /** The Realm that takes new records; undefined if nobody is logged in. */
  get current(): SyncedRealm | undefined {
    for (const realm of this.#realms.values()) if (realm.state === 'current') return realm.synced;
    return undefined;
  }

  /** Records in synced Realms that no server has acknowledged. */
  get unsynced(): number {
    let records = this.#inherited ?? 0;
    for (const realm of this.#realms.values()) {
      records += realm.state === 'left' ? realm.records : realm.synced.acknowledgements.pending;
    }
    return records;
  }

  /** Whether no server owes an acknowledgement. */
  get isSettled(): boolean {
    if (this.#inherited !== undefined) return false;
    return [...this.#realms.values()].every(
      (realm) => realm.state === 'current' && realm.synced.acknowledgements.isSettled,
    );
  }

  /** Whether a sync session still uses one of the files: then no other process may open it. */
  get hasFilesInUse(): boolean {
    if (!this.#isDurable) return false;
    return [...this.#opened].some((path) => this.#slot.readRealmLock(path)?.hasSyncAgent === true);
  }

  /** Resolves once it is known whether the server can be reached: after the first attempt, or if there will be none. */
  firstAttempt(): Promise<void> {
    return this.#firstAttempt;
  }

  endFirstAttempt(): void {
    this.#endFirstAttempt();
  }

  /**
   * Makes the Realm of a user that is logged in the current one.
   *
   * @param app - the user's App, if there is one to ask for other users
   * @throws ConnectionError `open-failed`
   */
  use(user: NativeUser, app: NativeApp | undefined): void {
    const { current } = this;
    if (current?.user.id === user.id) return;
    // Anonymous credentials that do not reuse their user make a new one at each log-in.
    if (current !== undefined && isAnonymous(current.user) && isAnonymous(user)) return;
    if (current !== undefined) this.#keepUntilAcknowledged(current);
    this.#app = app;
    this.#makeCurrent(user);
    this.#openEarlier();
  }

  /** Looks whether the current user is still logged in, and asks again for acknowledgements. */
  check(): void {
    const { current } = this;
    if (current === undefined) return;
    if (!isLoggedIn(current.user)) this.#loseUser(current);
    else if (current.realm.isClosed) this.#reopen(current);
    else current.acknowledgements.retry();
  }

  /** Goes off the network. */
  pause(): void {
    this.#isPaused = true;
    this.endFirstAttempt();
    for (const synced of this.#open()) synced.pause();
  }

  /** Comes back. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    for (const synced of this.#open()) synced.resume();
  }

  reviveSessions(): void {
    if (!this.#isPaused) for (const synced of this.#open()) synced.resume();
  }

  /** Closes every Realm. Sync sessions may use their files for some milliseconds more: see {@link hasFilesInUse}. */
  close(): void {
    this.#isClosed = true;
    this.endFirstAttempt();
    this.#reviver.stop();
    for (const synced of this.#open()) {
      // Without files, a Realm whose session is paused is erased with its last handle.
      if (this.#isDurable || synced.acknowledgements.isSettled || !this.#isPaused) synced.close();
    }
    this.#realms.clear();
  }

  connectionChanged(synced: SyncedRealm, state: string): void {
    if (state !== 'connecting') this.endFirstAttempt();
    if (this.current === synced) this.check();
    this.#owner.changed();
  }

  syncFailed(synced: SyncedRealm, error: NativeSyncError): void {
    void nextTurn().then(() => {
      if (!this.#isClosed && this.#open().includes(synced)) this.#handle(synced, error);
    });
  }

  #makeCurrent(user: NativeUser): void {
    const path = this.#pathOf(user);
    this.#endUnusable(path);
    const known = this.#realms.get(path);
    const left = known?.state === 'left' ? known.records : undefined;
    const synced = known?.state === 'earlier' ? known.synced : this.#openFile(user);
    this.#realms.set(path, { state: 'current', synced });
    // A listener is not told about a connection that existed before it was registered.
    if (synced.isConnected) this.endFirstAttempt();
    const inherited = this.#inherited;
    this.#inherited = undefined;
    if (inherited !== undefined || left !== undefined) {
      synced.acknowledgements.inherit((inherited ?? 0) + (left ?? 0), synced.usedBytes);
    }
    this.#owner.opened(synced);
  }

  /** Gives up an earlier Realm that its user cannot get back: the user was logged out or removed, or the app closed it. */
  #endUnusable(path: string): void {
    const known = this.#realms.get(path);
    if (known?.state !== 'earlier') return;
    const { synced } = known;
    if (isLoggedIn(synced.user) && !synced.realm.isClosed) return;
    if (this.#keepsFilesOf(synced.user)) {
      this.#leave(synced);
      return;
    }
    this.#context.events.dropped('user-removed', this.#forget(synced));
    synced.deleteFile();
  }

  /** Whether the files of a user that is gone stay. Realm deletes those of a removed user. */
  #keepsFilesOf({ state }: NativeUser): boolean {
    return this.#isDurable && !/removed/i.test(state);
  }

  #openFile(user: NativeUser): SyncedRealm {
    const path = this.#pathOf(user);
    this.#opened.add(path);
    try {
      return new SyncedRealm(user, path, this.#slot, this.#isDurable, this.#context, this, this.#owner);
    } catch (cause) {
      throw new ConnectionError('open-failed', describeCause(cause), { cause, retryable: true });
    }
  }

  /** Opens files of other users that are still logged in, from before the credentials were changed. */
  #openEarlier(): void {
    const app = this.#app;
    if (app === undefined || !this.#isDurable || this.#slot.directory === undefined) return;
    for (const user of Object.values(withoutTracing(() => app.allUsers))) {
      const path = this.#pathOf(user);
      const known = this.#realms.get(path);
      if (known !== undefined && known.state !== 'left') continue;
      if (!isLoggedIn(user) || !this.#slot.exists(path)) continue;
      try {
        const synced = this.#openFile(user);
        synced.acknowledgements.inherit(known?.records ?? 0, synced.usedBytes);
        this.#keepUntilAcknowledged(synced);
      } catch (cause) {
        if (cause instanceof ConnectionError) this.#context.events.failed(cause);
      }
    }
  }

  #keepUntilAcknowledged(synced: SyncedRealm): void {
    this.#realms.set(synced.path, { state: 'earlier', synced });
    void synced.acknowledgements.settled().then(() => {
      const known = this.#realms.get(synced.path);
      if (known?.state !== 'earlier' || known.synced !== synced) return;
      if (!synced.acknowledgements.isSettled) return; // it was current meanwhile: a later call waits for its records
      this.#realms.delete(synced.path);
      synced.close();
      synced.deleteFile();
      this.#owner.changed();
    });
  }

  /** `connection.realm` gave the Realm to the app, which has closed it. */
  #reopen(synced: SyncedRealm): void {
    this.#leave(synced);
    this.#context.events.failed(
      new ConnectionError('sync-failed', 'the app has closed the synced Realm, which is opened again', {
        retryable: true,
      }),
    );
    this.#owner.userGone();
  }

  #loseUser(synced: SyncedRealm): void {
    const { events } = this.#context;
    const isKept = this.#keepsFilesOf(synced.user);
    const records = isKept ? this.#leave(synced) : this.#forget(synced);
    if (!isKept) {
      events.dropped('user-removed', records);
      synced.deleteFile();
    }
    const fate = isKept ? 'wait for its next login' : 'are lost';
    const text = `${synced.user.id} was ${isKept ? 'logged out' : 'removed'}; ${records} of its records ${fate}`;
    events.failed(new ConnectionError('user-removed', text, { retryable: true }));
    this.#owner.userGone();
  }

  /** Closes a Realm whose file is kept. @returns its unacknowledged records */
  #leave(synced: SyncedRealm): number {
    const records = this.#forget(synced);
    if (records > 0) this.#realms.set(synced.path, { state: 'left', records });
    return records;
  }

  /** Closes a Realm. @returns its unacknowledged records */
  #forget(synced: SyncedRealm): number {
    this.#realms.delete(synced.path);
    const records = synced.acknowledgements.forget();
    synced.close();
    return records;
  }

  #handle(synced: SyncedRealm, error: NativeSyncError): void {
    if (synced === this.current && !isLoggedIn(synced.user)) {
      this.#loseUser(synced);
      return;
    }
    const text = `${describeCause(error)} (${readCode(error) ?? 'no code'})`;
    this.#context.events.failed(new ConnectionError('sync-failed', text, { cause: error, retryable: true }));
    if (error.name === 'ClientReset') this.#resetFile(synced);
    else if (error.isFatal !== false) this.#reviver.schedule();
  }

  /** Begins a new file, because the server and this one disagree and Realm could not recover it. */
  #resetFile(synced: SyncedRealm): void {
    const isCurrent = synced === this.current;
    this.#context.events.dropped('client-reset', this.#forget(synced));
    const app = this.#app;
    const sync = this.#context.Realm.App.Sync;
    try {
      if (app === undefined || sync?.initiateClientReset === undefined) synced.deleteFile();
      else withoutTracing(() => sync.initiateClientReset?.(app, synced.path)); // keeps a copy of the file
    } catch {
      synced.deleteFile();
    }
    if (isCurrent) this.#owner.userGone();
    else this.#owner.changed();
  }

  #pathOf(user: NativeUser): string {
    return this.#slot.path(`user-${encodeFileName(user.id)}.realm`);
  }

  #open(): SyncedRealm[] {
    return [...this.#realms.values()].flatMap((realm) => (realm.state === 'left' ? [] : [realm.synced]));
  }
}
