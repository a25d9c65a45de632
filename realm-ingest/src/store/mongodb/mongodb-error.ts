/**
 * MongoDB's errors as the store's.
 *
 * @module
 */
import { StoreError } from '../store-error.js';
import type { DeadLetterReason } from '../store.js';

/** Codes of MongoDB's that say that a unique index has refused something. */
const duplicateKeyCodes: readonly unknown[] = [11000, 11001, 12582];

/** The whole command, or a document in it, is larger than the server takes. */
export const tooLargeCodes: readonly unknown[] = [10334, 17280, 17419, 17420];

const outOfDiskSpace = 14031;

/** Unauthorized, AuthenticationFailed. */
const accessCodes: readonly unknown[] = [13, 18];

/** What Atlas itself refuses, before a server has seen it: a log-in, an action, or a write over the cluster's quota. */
const atlasError = 8000;

/** BadValue: of one document, that nothing will ever make it fit. */
const badValue = 2;

/**
 * Codes by which the server refuses one document for good. Duplicate keys have to be looked at first; whatever is not
 * named here may pass.
 */
const lastingRefusals: ReadonlyMap<unknown, DeadLetterReason> = new Map<unknown, DeadLetterReason>([
  [121, 'validator'],
  ...tooLargeCodes.map((code): [unknown, DeadLetterReason] => [code, 'too-large']),
  // Overflow: deeper than the server takes.
  [15, 'too-deep'],
  // A value, a name or an `_id` that MongoDB takes nowhere: DollarPrefixedFieldName, InvalidIdField, EmptyFieldName.
  [badValue, 'unstorable-value'],
  [52, 'unstorable-value'],
  [53, 'unstorable-value'],
  [56, 'unstorable-value'],
  // An index that the user made has no form for the value: parallel arrays, hashed arrays, places on the globe, languages.
  [171, 'unstorable-value'],
  [16766, 'unstorable-value'],
  [16755, 'unstorable-value'],
  [16756, 'unstorable-value'],
  [17261, 'unstorable-value'],
  [17262, 'unstorable-value'],
]);

/**
 * Why a document can never be stored, by the code and the message with which the server refused it; undefined where it
 * may be stored later.
 */
export function lastingRefusal(code: unknown, message: string): DeadLetterReason | undefined {
  // Before MongoDB 8 there is no code for it.
  if (code === badValue && message.includes('object to insert too large')) return 'too-large';
  return lastingRefusals.get(code);
}

export function isDuplicateKeyCode(code: unknown): boolean {
  return duplicateKeyCodes.includes(code);
}

/** Whether a write was refused because what it would add is there. */
export function isDuplicateKey(error: unknown): boolean {
  return isDuplicateKeyCode(codeOf(error));
}

/** The code that the server gave; undefined where it gave none. */
export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/** Whether the server was reached and would not have us: waiting at start would hide a wrong password. */
export function isAccessRefused(error: unknown): boolean {
  const cause = error instanceof StoreError ? error.cause : error;
  const code = codeOf(cause);
  if (accessCodes.includes(code)) return true;
  return code === atlasError && /\bauth|not (?:authorized|allowed)/iu.test(messageOf(cause));
}

/** Whether there is no room for a write: no disk space is left, or an Atlas cluster is over its quota. */
export function isFull(code: unknown, message: string): boolean {
  return code === outOfDiskSpace || (code === atlasError && /\bquota\b/iu.test(message));
}

/**
 * Makes a `StoreError` of whatever a command or a connection came to.
 *
 * All are retryable: a failover, a quota, a missing permission, a network are mended from outside, and the clients
 * wait. Nothing was acknowledged.
 */
export function toStoreError(error: unknown, database: string): StoreError {
  if (error instanceof StoreError) return error;
  const message = messageOf(error);
  const code = isFull(codeOf(error), message) ? 'store-full' : 'store-unavailable';
  // Some messages hold the connection string.
  const safe = message.replaceAll(/\/\/[^@/\s]*@/gu, '//…@');
  return new StoreError(code, `MongoDB database ${database}: ${safe}`, { cause: error, retryable: true });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
