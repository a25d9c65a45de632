/**
 * What the sync layer needs from outside: files, salts, and a place to commit to. The server wires it to a store.
 *
 * @module
 */
import type { UploadedChangeset } from '../protocol/messages.js';
import type { ClientFile } from '../store/store.js';

/** Changesets of one session, in wire order, to be committed as a whole. */
export interface Upload {
  /** The file, with its progress after this commit. */
  readonly file: ClientFile;
  /** At least one. */
  readonly changesets: readonly UploadedChangeset[];
}

export interface SyncHost {
  findClientFile(ident: bigint): Promise<ClientFile | undefined>;
  /** A random ident in [2^32, 2^62). */
  createClientFileIdent(): bigint;
  /** The salt that this server gives to a file of this user; design, rule of delivery 8. */
  saltOf(userId: string, clientFileIdent: bigint): bigint;
  /**
   * Resolves once everything in the upload is durable, in its collection or in the dead letters.
   * Rejects with a `StoreError`; a retryable one means that the client is to be held back.
   *
   * @param progressed - called whenever a part of it is durable
   */
  commit(upload: Upload, progressed?: () => void): Promise<void>;
  /** The server closes. Nothing more is begun, and it is no failure if what is under way does not end well. */
  abandon(): void;
}
