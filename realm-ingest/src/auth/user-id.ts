/**
 * Ids of users. Clients make directory names of them: letters, digits and `-` only.
 *
 * @module
 */
import { createHash, randomBytes } from 'node:crypto';

const anonymousPrefix = 'anon-';

/** The id of a user who logs in without credentials: `anon-` and 24 random hexadecimal digits. */
export function createAnonymousUserId(): string {
  return anonymousPrefix + randomBytes(12).toString('hex');
}

/**
 * The id of a user with a name: 32 hexadecimal digits of SHA-256(app 00 name). It derives from nothing but these, so
 * that a rebuilt store gives the same; frozen by a vector. It never begins with `anon-`.
 */
export function toNamedUserId(appId: string, userName: string): string {
  return createHash('sha256').update(`${appId}\0${userName}`).digest('hex').slice(0, 32);
}

/**
 * Whether an id from a token that could not be verified is one that an anonymous user may have. Its length and
 * alphabet are bounded here, because from now on it appears in the store and in log lines.
 */
export function isAnonymousUserId(userId: string): boolean {
  return /^anon-[\w-]{1,64}$/.test(userId);
}
