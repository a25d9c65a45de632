import { ConnectionError } from '../connection-error.js';
import type { NativeApp, NativeUser } from '../realm/realm-types.js';
import { withoutTracing } from '../suppression.js';

/** Finds the user whose Realm is synced. */
export interface UserSource {
  /** The App, if there is one to ask. */
  readonly app: NativeApp | undefined;
  /** The server's URL, if we have it: the errors of engines do not name it. */
  readonly baseUrl: string | undefined;
  /** A user that is logged in already, for example since the last run. Needs no network. */
  cachedUser(): NativeUser | undefined;
  /** Logs in with the credentials; undefined if there are none. */
  readonly logIn: (() => Promise<NativeUser>) | undefined;
}

/** Users of an App, ours or the app's own. */
export function usersOf(
  app: NativeApp,
  credentials: (() => object | Promise<object>) | undefined,
  baseUrl?: string,
): UserSource {
  return {
    app,
    baseUrl,
    cachedUser() {
      const user = withoutTracing(() => app.currentUser);
      return user?.isLoggedIn === true ? user : undefined;
    },
    logIn:
      credentials === undefined
        ? undefined
        : async () => {
            const given: unknown = await credentials();
            if (typeof given !== 'object' || given === null) {
              const text = `the function that gives credentials gave ${String(given)}`;
              throw new ConnectionError('login-refused', text, { retryable: true });
            }
            return withoutTracing(() => app.logIn(given));
          },
  };
}

/** A user that the app has logged in. */
export function singleUser(user: NativeUser): UserSource {
  return {
    app: undefined,
    baseUrl: undefined,
    cachedUser: () => (user.isLoggedIn ? user : undefined),
    logIn: undefined,
  };
}

/** Whether a user can still sync. In some releases, reading a user that is gone throws. */
export function isLoggedIn(user: NativeUser): boolean {
  try {
    return withoutTracing(() => user.isLoggedIn);
  } catch {
    return false;
  }
}

/** Whether a user has only anonymous identities. */
export function isAnonymous(user: NativeUser): boolean {
  const identities: unknown = Reflect.get(user, 'identities');
  return (
    Array.isArray(identities) &&
    identities.every((identity: { providerType?: unknown }) => identity.providerType === 'anon-user')
  );
}
