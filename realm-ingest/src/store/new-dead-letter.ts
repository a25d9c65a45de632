/**
 * New dead letters, and the bytes that they count.
 *
 * @module
 */
import { deadLetterKey, digestChangeset } from './dead-letter-key.js';
import { StoreError } from './store-error.js';
import type { DeadLetter, Rejection } from './store.js';

/** Bytes that a letter counts besides its changeset. The triggers of SQLite's schema use the same number. */
export const letterBytes = 1024;

/** The size of a changeset's pieces: no row is large, and none comes near MongoDB's limit. */
export const changesetPieceBytes = 1024 * 1024;

/** Length limit of a letter's detail and class name, in UTF-16 code units. */
const maxTextLength = 500;

/** A letter to add, unless it exists. */
export interface NewDeadLetter extends DeadLetter {
  /** SHA-256 of the changeset. */
  readonly digest: Uint8Array;
}

/** The origin of a changeset. */
export type DeadLetterOrigin = Pick<DeadLetter, 'appId' | 'userId' | 'fileIdent' | 'receivedAt'>;

/** Makes the letters of one changeset; the first one computes its digest. */
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

/** The error for an upload whose dead letters do not fit. */
export function deadLettersFull(maxBytes: number): StoreError {
  return new StoreError(
    'store-dead-letters-full',
    `they may take ${maxBytes} bytes (--max-dead-letter-bytes). Uploads that would add one are held back until you ` +
      'retry or delete dead letters, or raise the limit',
    { retryable: true },
  );
}

/** Shortens a text and keeps it well-formed. Escapes NUL, because many programs take it for the end of a text. */
function clip(text: string): string {
  return Buffer.from(text.slice(0, maxTextLength).replaceAll('\0', '\\0')).toString();
}
