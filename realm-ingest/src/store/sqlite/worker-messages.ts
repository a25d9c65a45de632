/**
 * What the two threads of a store send each other.
 *
 * @module
 */
import type { ErrorCode } from '../../errors.js';
import type { Commit } from '../commit.js';
import type { Rejection } from '../store.js';
import type { OperationName } from './operations.js';

/** A document as the file keeps it. */
export interface EncodedDocument {
  readonly place: number;
  readonly className: string;
  readonly collection: string;
  readonly key: string;
  readonly json: string;
}

export interface EncodedChangeset {
  readonly clientVersion: bigint;
  /** Undefined if no dead letter is expected: see {@link bytesWanted}. */
  readonly bytes: Uint8Array | undefined;
  readonly documents: readonly EncodedDocument[];
  readonly rejections: readonly Rejection[];
}

export type EncodedCommit = Commit<EncodedChangeset>;

/**
 * The result of a commit that met a conflict and has no bytes for its dead letter: nothing of it was written, and it must
 * be sent again with the bytes of all its changesets. Most commits meet no conflict, and so save the copy of the bytes,
 * which each part of a large changeset would need whole.
 */
export const bytesWanted = 'bytes-wanted';

export type WorkerTask =
  | { readonly kind: 'operation'; readonly name: OperationName; readonly args: readonly unknown[] }
  | { readonly kind: 'commit'; readonly commit: EncodedCommit }
  | { readonly kind: 'close' };

/** A task and the number that its answer repeats. */
export type WorkerRequest = WorkerTask & { readonly id: number };

/** The id of the thread's first answer, which it sends unasked: whether the file could be opened. */
export const openingId = 0;

export type WorkerAnswer =
  { readonly id: number; readonly result: unknown } | { readonly id: number; readonly failure: Failure };

/** A `StoreError` as a plain object, because messages between threads lose classes. */
export interface Failure {
  readonly code: ErrorCode;
  readonly particulars: string;
  readonly retryable: boolean;
  readonly cause: string | undefined;
}
