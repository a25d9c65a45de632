/**
 * What the store's two threads say to each other.
 *
 * @module
 */
import type { ErrorCode } from '../../errors.js';
import type { Commit } from '../commit.js';
import type {
  ApiKey,
  ClientFile,
  CommitResult,
  DeadLetter,
  DeadLetterSummary,
  Rejection,
  StoredSecret,
} from '../store.js';
import type { SqliteStoreOptions } from './open-database.js';

/** A document as it is kept. */
export interface EncodedDocument {
  readonly place: number;
  readonly className: string;
  readonly collection: string;
  readonly key: string;
  readonly json: string;
}

export interface EncodedChangeset {
  readonly clientVersion: bigint;
  /** Undefined where no dead letter is expected: see {@link bytesWanted}. */
  readonly bytes: Uint8Array | undefined;
  readonly documents: readonly EncodedDocument[];
  readonly rejections: readonly Rejection[];
}

export type EncodedCommit = Commit<EncodedChangeset>;

/**
 * The outcome of a commit that met a conflict and has no bytes for its dead letter: nothing of it was written, and it is
 * to be sent again with the bytes of all its changesets. Most commits meet none, and save the copy; each part of a large
 * changeset would make one of the whole.
 */
export const bytesWanted = 'bytes-wanted';

/** Every operation takes one value and gives one; both can be cloned from thread to thread. */
export interface StoreOperations {
  open(options: SqliteStoreOptions): void;
  commit(commit: EncodedCommit): CommitResult | typeof bytesWanted;
  findClientFile(ident: bigint): ClientFile | undefined;
  /** The next documents' JSON after a key, some hundred KiB of them; none at the end. */
  readDocuments(from: { readonly collection: string; readonly after: string | undefined }): readonly {
    readonly key: string;
    readonly json: string;
  }[];
  collections(): readonly string[];
  /** The next dead letters after a sequence number. */
  readDeadLetters(after: bigint): { readonly letters: readonly DeadLetterSummary[]; readonly last: bigint };
  findDeadLetter(key: string): DeadLetter | undefined;
  deleteDeadLetter(key: string): boolean;
  createApiKey(key: ApiKey): void;
  listApiKeys(): readonly ApiKey[];
  findApiKey(by: { readonly hash: Uint8Array } | { readonly id: string }): ApiKey | undefined;
  revokeApiKey(revocation: { readonly id: string; readonly at: Date }): boolean;
  addRevocation(revocation: { readonly subject: string; readonly at: Date }): void;
  hasRevocation(subjects: readonly string[]): boolean;
  loadSecret(): StoredSecret;
  keepSecret(candidate: Uint8Array): Uint8Array;
  keepFingerprint(fingerprint: Uint8Array): void;
  ping(): void;
  close(): void;
}

export type OperationName = keyof StoreOperations;

export interface OperationRequest {
  readonly id: number;
  readonly name: OperationName;
  readonly argument: unknown;
}

/** An error on its way between threads, where classes get lost. */
export interface Failure {
  readonly code: ErrorCode;
  readonly particulars: string;
  readonly retryable: boolean;
  readonly cause: string | undefined;
}

export type OperationResponse =
  { readonly id: number; readonly result: unknown } | { readonly id: number; readonly failure: Failure };
