import { ConnectionError } from '../connection-error.js';
import type { NativeApp, NativeUser } from '../realm/realm-types.js';
import { withoutTracing } from '../suppression.js';

/** Where the user comes from whose Realm is synced. */
export interface UserSource {
  /** The App, where there is one to ask. */
  readonly app: NativeApp | undefined;
  /** The server's URL, where it was given to us: what engines say of one that is not there does not name it. */
  readonly baseUrl: string | undefined;
  /** A user that is logged in already, as one from the last run, also without a network. */
  cachedUser(): NativeUser | undefined;
  /** Logs in with the credentials; undefined where none were given. */
  readonly logIn: (() => Promise<NativeUser>) | undefined;
}

/** Users of an App, ours or the observed app's own. */
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

/** One user that the app has logged in itself. */
export function singleUser(user: NativeUser): UserSource {
  return {
    app: undefined,
    baseUrl: undefined,
    cachedUser: () => (user.isLoggedIn ? user : undefined),
    logIn: undefined,
  };
}

/** Whether a user can still sync; asking one that is gone throws in some releases. */
export function isLoggedIn(user: NativeUser): boolean {
  try {
    return withoutTracing(() => user.isLoggedIn);
  } catch {
    return false;
  }
}

/** Whether a user has no identity but that of an anonymous login. */
export function isAnonymous(user: NativeUser): boolean {
  const identities: unknown = Reflect.get(user, 'identities');
  return (
    Array.isArray(identities) &&
    identities.every((identity: { providerType?: unknown }) => identity.providerType === 'anon-user')
  );
}
