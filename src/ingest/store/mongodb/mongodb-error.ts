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

/** Out of disk space; over the quota of an Atlas cluster. */
const fullCodes: readonly unknown[] = [14031, 8000];

/** Not authorised; authentication failed. */
const accessCodes: readonly unknown[] = [13, 18];

/**
 * Codes by which the server refuses one document for good. Duplicate keys have to be looked at first; whatever is not
 * named here may pass.
 */
const lastingRefusals: ReadonlyMap<unknown, DeadLetterReason> = new Map<unknown, DeadLetterReason>([
  [121, 'validator'],
  ...tooLargeCodes.map((code): [unknown, DeadLetterReason] => [code, 'too-large']),
  // A name or an `_id` that MongoDB takes nowhere: DollarPrefixedFieldName, InvalidIdField, EmptyFieldName.
  [52, 'unstorable-value'],
  [53, 'unstorable-value'],
  [56, 'unstorable-value'],
  // An index that the user made has no form for the value: parallel arrays, text, places on the globe.
  [171, 'unstorable-value'],
  [16755, 'unstorable-value'],
  [17261, 'unstorable-value'],
]);

/** Why a document with an error of this code can never be stored; undefined where it may be stored later. */
export function lastingRefusal(code: unknown): DeadLetterReason | undefined {
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
  return accessCodes.includes(codeOf(error instanceof StoreError ? error.cause : error));
}

/**
 * Makes a `StoreError` of whatever a command or a connection came to.
 *
 * All are retryable: a failover, a quota, a missing permission, a network are mended from outside, and the clients
 * wait. Nothing was acknowledged.
 */
export function toStoreError(error: unknown, database: string): StoreError {
  if (error instanceof StoreError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = fullCodes.includes(codeOf(error)) ? 'store-full' : 'store-unavailable';
  // Some messages hold the connection string.
  const safe = message.replaceAll(/\/\/[^@/\s]*@/gu, '//…@');
  return new StoreError(code, `MongoDB database ${database}: ${safe}`, { cause: error, retryable: true });
}
