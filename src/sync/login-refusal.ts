import { describeCause, readCode } from '../connection-error.js';

/**
 * Realm's numbers of App Services errors that no retry cures: parameters, provider, function, API key, user, password.
 * (Section 6.3 of the App Services page.) An invalid session, 4301, is not among them: on a slow device, the token of a log-in
 * may expire before the profile is requested, and the next log-in gets another one.
 */
const refusals: ReadonlySet<number> = new Set([
  4305, 4306, 4313, 4316, 4325, 4334, 4343, 4344, 4345, 4346, 4347, 4348, 4350, 4349,
  // an `error_code` that the client does not know, such as that of an unknown app
  4355, 2000000,
]);

/**
 * Plain HTTP errors have their status in the text only. A plain 400 is not a refusal: a request that was cut off on its way
 * gets it as well.
 */
const REFUSING_STATUS = /\b(?:client|http) error(?: code)?: 40[134]\b/i;

/** Whether a server refused the log-in, so that the same credentials will hardly succeed later. */
export function isRefusal(cause: unknown): boolean {
  const code = readCode(cause);
  if (code !== undefined && refusals.has(code)) return true;
  return REFUSING_STATUS.test(describeCause(cause));
}
