/**
 * MongoDB errors → store errors.
 *
 * @module
 */
import { StoreError } from '../store-error.js';
import type { DeadLetterReason } from '../store.js';

/** Codes of a refusal by a unique index. */
const duplicateKeyCodes: readonly unknown[] = [11000, 11001, 12582];

/** Codes of a command, or a document in it, that is larger than the server accepts. */
export const tooLargeCodes: readonly unknown[] = [10334, 17280, 17419, 17420];

const outOfDiskSpace = 14031;

/** Unauthorized, AuthenticationFailed. */
const accessCodes: readonly unknown[] = [13, 18];

/** Code of a refusal by Atlas itself: of a log-in, an action, or a write over the cluster's quota. */
const atlasError = 8000;

/** BadValue. For one document it is final. */
const badValue = 2;

/**
 * Codes with which the server refuses a document for good. Duplicate keys are handled before; every other code may pass.
 */
const finalRefusals: ReadonlyMap<unknown, DeadLetterReason> = new Map<unknown, DeadLetterReason>([
  [121, 'validator'],
  ...tooLargeCodes.map((code): [unknown, DeadLetterReason] => [code, 'too-large']),
  // Overflow: deeper than the server accepts.
  [15, 'too-deep'],
  // A value, a name or an `_id` that MongoDB never accepts: DollarPrefixedFieldName, InvalidIdField, EmptyFieldName.
  [badValue, 'unstorable-value'],
  [52, 'unstorable-value'],
  [53, 'unstorable-value'],
  [56, 'unstorable-value'],
  // An index of the user's cannot index the value: parallel arrays, hashed arrays, geographic points, languages.
  [171, 'unstorable-value'],
  [16766, 'unstorable-value'],
  [16755, 'unstorable-value'],
  [16756, 'unstorable-value'],
  [17261, 'unstorable-value'],
  [17262, 'unstorable-value'],
]);

/**
 * Why a document can never be stored, by the server's code and message; undefined if it may be stored later.
 */
export function finalRefusal(code: unknown, message: string): DeadLetterReason | undefined {
  // MongoDB has no code for it before version 8.
  if (code === badValue && message.includes('object to insert too large')) return 'too-large';
  return finalRefusals.get(code);
}

export function isDuplicateKeyCode(code: unknown): boolean {
  return duplicateKeyCodes.includes(code);
}

/** Whether a write was refused because its key exists. */
export function isDuplicateKey(error: unknown): boolean {
  return isDuplicateKeyCode(codeOf(error));
}

/** The server's code; undefined if there is none. */
export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/** Whether the server refuses access: waiting at start would hide a wrong password. */
export function isAccessRefused(error: unknown): boolean {
  const cause = error instanceof StoreError ? error.cause : error;
  const code = codeOf(cause);
  if (accessCodes.includes(code)) return true;
  return code === atlasError && /\bauth|not (?:authorized|allowed)/iu.test(messageOf(cause));
}

/** Whether there is no room for a write: the disk is full, or an Atlas cluster is over its quota. */
export function isFull(code: unknown, message: string): boolean {
  return code === outOfDiskSpace || (code === atlasError && /\bquota\b/iu.test(message));
}

/**
 * Makes a `StoreError` of an error of a command or a connection.
 *
 * All are retryable: others must repair a failover, a quota, a missing permission or a network, and the clients wait.
 * Nothing was acknowledged.
 */
export function toStoreError(error: unknown, database: string): StoreError {
  if (error instanceof StoreError) return error;
  const message = messageOf(error);
  const code = isFull(codeOf(error), message) ? 'store-full' : 'store-unavailable';
  // Some messages contain the connection string.
  const safe = message.replaceAll(/\/\/[^@/\s]*@/gu, '//…@');
  return new StoreError(code, `MongoDB database ${database}: ${safe}`, { cause: error, retryable: true });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
