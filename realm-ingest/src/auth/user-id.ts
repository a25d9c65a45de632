/**
 * Ids of users. Clients use them as directory names: letters, digits and `-` only.
 *
 * @module
 */
import { createHash, randomBytes } from 'node:crypto';

const anonymousPrefix = 'anon-';

/** A new id for a user without credentials: `anon-` and 24 random hexadecimal digits. */
export function createAnonymousUserId(): string {
  return anonymousPrefix + randomBytes(12).toString('hex');
}

/**
 * The id of a named user: 32 hexadecimal digits of SHA-256(app 00 name). It derives from nothing else, so that a rebuilt
 * store gives the same id; frozen by a vector. It never begins with `anon-`.
 */
export function toNamedUserId(appId: string, userName: string): string {
  return createHash('sha256').update(`${appId}\0${userName}`).digest('hex').slice(0, 32);
}

/**
 * Whether an id from an unverified token can be an anonymous user's. Its length and alphabet are checked here, because
 * the id gets into the store and into log lines.
 */
export function isAnonymousUserId(userId: string): boolean {
  return /^anon-[\w-]{1,64}$/.test(userId);
}
