import { writeFileSync } from 'node:fs';
import { ObjectId } from 'bson';
import { REALM_LOCK_BYTES } from '../../src/disk/realm-lock.js';
import type {
  NativeApp,
  NativeConfiguration,
  NativeRealmConstructor,
  NativeSession,
  NativeSyncError,
  NativeUser,
} from '../../src/realm/realm-types.js';
import type { UserSource } from '../../src/sync/user-source.js';
import { LocalRealm } from './local-realm.js';

/**
 * A scripted engine behind the boundary at which we call Realm: local Realms are in memory, synced Realms have a lock file
 * as a native engine's do, and their sessions do what the test says.
 */
export class EngineBoundary {
  /** Calls on synced Realms and on the App, in order: `open`, `log in`, `listen`, `pause`, `close` … */
  readonly calls: string[] = [];
  /** Every synced Realm that was opened, in order. */
  readonly synced: ScriptedRealm[] = [];
  /** Whether sessions are connected. Listeners hear of it only through {@link notify}. */
  isConnected = false;
  /** Whether the engine has files. */
  hasFiles = true;
  /** Why Realms cannot be opened. */
  openError: Error | undefined;
  /** A user that is logged in before the test begins. */
  cachedUser: NativeUser | undefined;
  /** Resolves a log-in. Undefined as for an App without credentials. */
  logIn: (() => Promise<NativeUser>) | undefined = () => Promise.resolve(this.user);
  /** Users of the App that are asked for files of earlier users. */
  allUsers: readonly NativeUser[] = [];
  readonly user: ScriptedUser = scriptedUser('user');
  readonly #locals = new Map<string, LocalRealm>();

  /** The class to hand in. */
  get Realm(): NativeRealmConstructor {
    const open = (config: NativeConfiguration): LocalRealm =>
      config.sync === undefined ? this.#openLocal(config) : this.#openSynced(config);
    const Realm = function (config: NativeConfiguration) {
      return open(config);
    } as unknown as NativeRealmConstructor;
    return Object.assign(Realm, {
      BSON: { ObjectId },
      App: Object.assign(() => undefined, { Sync: undefined }) as never,
      deleteFile: () => this.calls.push('delete'),
    });
  }

  /** The App's user. */
  get source(): UserSource {
    const { logIn } = this;
    return {
      app: { allUsers: Object.fromEntries(this.allUsers.map((user) => [user.id, user])) } as NativeApp,
      baseUrl: undefined,
      cachedUser: () => this.cachedUser,
      logIn:
        logIn &&
        (() => {
          this.calls.push('log in');
          return this.logIn?.() ?? Promise.reject(new Error('no credentials'));
        }),
    };
  }

  /** Tells the listeners of all sessions. */
  notify(newState: string, oldState: string): void {
    for (const { listeners } of this.synced) for (const listener of listeners) listener(newState, oldState);
  }

  #openLocal(config: NativeConfiguration): LocalRealm {
    const realm = this.#locals.get(config.path) ?? new LocalRealm(config);
    this.#locals.set(config.path, realm);
    realm.isClosed = false;
    return realm;
  }

  #openSynced(config: NativeConfiguration): ScriptedRealm {
    if (this.openError !== undefined) throw this.openError;
    this.calls.push('open');
    if (this.hasFiles) writeRealmLock(config.path, { participants: 1, hasSyncAgent: true });
    const realm = new ScriptedRealm(this, config);
    this.synced.push(realm);
    return realm;
  }
}

/** A synced Realm whose session is scripted. */
export class ScriptedRealm extends LocalRealm {
  override readonly syncSession: NativeSession;
  readonly listeners = new Set<(newState: string, oldState: string) => void>();
  readonly #engine: EngineBoundary;
  readonly #config: NativeConfiguration;
  readonly #uploads: (() => void)[] = [];

  constructor(engine: EngineBoundary, config: NativeConfiguration) {
    super(config);
    this.#engine = engine;
    this.#config = config;
    const { calls } = engine;
    this.syncSession = {
      isConnected: () => engine.isConnected,
      pause: () => calls.push('pause'),
      resume: () => calls.push('resume'),
      addConnectionNotification: (listener) => {
        calls.push('listen');
        this.listeners.add(listener);
      },
      removeConnectionNotification: (listener) => this.listeners.delete(listener),
      uploadAllLocalChanges: () => new Promise((resolve) => this.#uploads.push(resolve)),
    };
  }

  /** The server acknowledges everything that waits are under way for. */
  acknowledge(): void {
    for (const resolve of this.#uploads.splice(0)) resolve();
  }

  /** The session reports an error. */
  fail(error: Partial<NativeSyncError>): void {
    this.#config.sync?.onError(this.syncSession, {
      name: 'SyncError',
      message: 'scripted',
      code: 1,
      ...error,
    });
  }

  override close(): void {
    this.#engine.calls.push('close');
    super.close();
  }
}

/** A user that the test may log out. */
export type ScriptedUser = { -readonly [Name in keyof NativeUser]: NativeUser[Name] };

export function scriptedUser(id: string): ScriptedUser {
  return { id, isLoggedIn: true, state: 'active', accessToken: '' };
}

/** Writes the beginning of a lock file, as realm-core does. */
export function writeRealmLock(
  path: string,
  { participants, hasSyncAgent }: { readonly participants: number; readonly hasSyncAgent: boolean },
): void {
  const bytes = new Uint8Array(REALM_LOCK_BYTES);
  bytes[0] = 1;
  bytes[6] = 14;
  bytes[12] = participants;
  bytes[40] = hasSyncAgent ? 1 : 0;
  writeFileSync(`${path}.lock`, bytes);
}
