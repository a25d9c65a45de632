import { writeFileSync } from 'node:fs';
import Realm from './engine/realm.mjs';
import {
  asNative,
  type NativeConfiguration,
  type NativeRealm,
  type NativeRealmConstructor,
  type NativeSession,
  type NativeUser,
} from '../../src/realm/realm-types.js';
import { REALM_LOCK_BYTES } from '../../src/disk/realm-lock.js';
import type { UserSource } from '../../src/sync/user-source.js';

/**
 * What only a native engine does, at its boundary: a synced Realm has a lock file, and its session does what the test
 * says. Local Realms are the real engine's.
 */
export class EngineBoundary {
  /** What was called on synced Realms and on the App, in order: `open`, `log in`, `listen`, `pause`, `close` … */
  readonly calls: string[] = [];
  /** Whether sessions have their server. Listeners hear of it only through {@link notify}. */
  isConnected = false;
  /** A user that is logged in before the test begins. */
  cachedUser: NativeUser | undefined;
  /** Resolves a log-in. */
  logIn: () => Promise<NativeUser> = () => Promise.resolve(this.user);
  readonly user: NativeUser = { id: 'user', isLoggedIn: true, state: 'active', accessToken: '' };
  readonly #listeners = new Set<(newState: string, oldState: string) => void>();

  /** The class to hand in. */
  get Realm(): NativeRealmConstructor {
    return new Proxy(asNative(Realm), {
      construct: (target, [config]: [NativeConfiguration]) =>
        config.sync === undefined ? new target(config) : this.#openSynced(config),
    });
  }

  /** The App's user. */
  get source(): UserSource {
    return {
      app: undefined,
      baseUrl: undefined,
      cachedUser: () => this.cachedUser,
      logIn: () => {
        this.calls.push('log in');
        return this.logIn();
      },
    };
  }

  notify(newState: string, oldState: string): void {
    for (const listener of this.#listeners) listener(newState, oldState);
  }

  #openSynced({ path }: NativeConfiguration): NativeRealm {
    const { calls } = this;
    calls.push('open');
    writeRealmLock(path, { participants: 1, hasSyncAgent: true });
    const syncSession: NativeSession = {
      connectionState: 'connected',
      isConnected: () => this.isConnected,
      pause: () => calls.push('pause'),
      resume: () => calls.push('resume'),
      addConnectionNotification: (listener) => {
        calls.push('listen');
        this.#listeners.add(listener);
      },
      removeConnectionNotification: (listener) => this.#listeners.delete(listener),
      uploadAllLocalChanges: () => new Promise(() => undefined),
    };
    const realm = {
      path,
      syncSession,
      isClosed: false,
      isInTransaction: false,
      close() {
        calls.push('close');
        realm.isClosed = true;
      },
    };
    return realm as unknown as NativeRealm;
  }
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
