/**
 * What both stores keep of something that can never be stored, and what it counts.
 *
 * @module
 */
import { deadLetterKey, digestChangeset } from './dead-letter-key.js';
import { StoreError } from './store-error.js';
import type { DeadLetter, Rejection } from './store.js';

/** What a letter counts besides the bytes of its changeset. SQLite's schema has the same number in its triggers. */
export const letterBytes = 1024;

/** Changesets are kept in pieces of so many bytes: no row is large, and none comes near MongoDB's limit. */
export const changesetPieceBytes = 1024 * 1024;

/** What a letter keeps of a detail or a class name, in UTF-16 code units. */
const maxTextLength = 500;

/** A letter that may be there already. */
export interface NewDeadLetter extends DeadLetter {
  /** SHA-256 of the changeset. */
  readonly digest: Uint8Array;
}

/** Whose changeset it was. */
export type DeadLetterOrigin = Pick<DeadLetter, 'appId' | 'userId' | 'fileIdent' | 'receivedAt'>;

/** Makes letters of one changeset; its digest is taken once, for the first of them. */
export function letterWriter(
  { appId, userId, fileIdent, receivedAt }: DeadLetterOrigin,
  { bytes, clientVersion }: { readonly bytes: Uint8Array; readonly clientVersion: bigint },
): (rejection: Rejection) => NewDeadLetter {
  let digest: Uint8Array | undefined;
  return ({ place, className, reason, detail }) => {
    digest ??= digestChangeset(bytes);
    return {
      key: deadLetterKey(digest, place, reason),
      digest,
      reason,
      detail: clip(detail),
      appId,
      userId,
      fileIdent,
      clientVersion,
      ...(place !== undefined && { place }),
      ...(className !== undefined && { className: clip(className) }),
      receivedAt,
      sizeBytes: bytes.length,
      changeset: bytes,
    };
  };
}

/** For an upload that adds a letter while there is no room for one. */
export function deadLettersFull(maxBytes: number): StoreError {
  return new StoreError(
    'store-dead-letters-full',
    `they may take ${maxBytes} bytes (--max-dead-letter-bytes); look at them, delete or retry them, or ` +
      'allow more. Uploads that would add one are held back until then',
    { retryable: true },
  );
}

/** Well-formed, whatever was cut through, and without NUL, at which a text ends for many of its readers. */
function clip(text: string): string {
  return Buffer.from(text.slice(0, maxTextLength).replaceAll('\0', '\\0')).toString();
}
