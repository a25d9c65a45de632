import { describeCause, readCode } from '../connection-error.js';

/**
 * Realm's numbers of App Services' errors that no retry mends: parameters, provider, function, API key, user, password.
 * (Section 6.3 of the App Services page.) An invalid session, 4301, is none: the login began one that was good no more
 * when the profile was asked for, as on a device that was slow, and the next login begins another.
 */
const refusals: ReadonlySet<number> = new Set([
  4305, 4306, 4313, 4316, 4325, 4334, 4343, 4344, 4345, 4346, 4347, 4348, 4350, 4349,
  // an `error_code` that the client does not know, as that of an unknown app
  4355, 2000000,
]);

/**
 * Plain HTTP errors carry their status in the text alone. A plain 400 is none of them: a request that was cut off on its
 * way gets it, too, and says nothing of credentials.
 */
const REFUSING_STATUS = /\b(?:client|http) error(?: code)?: 40[134]\b/i;

/** Whether a failed login was refused by a server that was reached, so that the same credentials will hardly do later. */
export function isRefusal(cause: unknown): boolean {
  const code = readCode(cause);
  if (code !== undefined && refusals.has(code)) return true;
  return REFUSING_STATUS.test(describeCause(cause));
}
