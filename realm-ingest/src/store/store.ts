/**
 * The interface of a store. SQLite and MongoDB pass the same contract suite (`test/store/store-contract.ts`).
 *
 * @module
 */
import type { Document } from './document.js';
import type { StoreError } from './store-error.js';

/** Why something can never be stored in its collection. There are no other reasons for a dead letter. */
export const deadLetterReasons = [
  /** A different document with this `_id` is stored. */
  'id-conflict',
  /** A unique index refused it, not the index on `_id`. */
  'unique-index',
  /** Above 16 MiB of BSON. */
  'too-large',
  /** Nested more than 100 levels deep. */
  'too-deep',
  /** The store cannot represent a value or a name. */
  'unstorable-value',
  /** The collection's validator refused it. */
  'validator',
  /** The changeset cannot be decoded. */
  'bad-changeset',
  /** The changeset holds an instruction that asymmetric writes never make. */
  'unexpected-instruction',
  /** The class was not admitted. */
  'class-not-admitted',
  /** The batch cannot be unpacked. */
  'bad-batch',
] as const;

export type DeadLetterReason = (typeof deadLetterReasons)[number];

/** A client file, as stored from its first commit on. */
export interface ClientFile {
  /** 64 bits, positive. */
  readonly ident: bigint;
  readonly salt: bigint;
  readonly userId: string;
  /** Highest committed client version; for diagnosis and metrics, never to skip changesets. */
  readonly clientVersion: bigint;
  /** Highest server version sent to the file. */
  readonly serverVersion: bigint;
}

/** A document and its place in the changeset. */
export interface PlacedDocument {
  /** `RealmObject.place`, or -1 - n for the nth record of a batch. */
  readonly place: number;
  readonly className: string;
  readonly collection: string;
  /** With `_id`, and with `ingest`, which comparisons ignore. */
  readonly document: Document;
}

/** An object, or a whole changeset, that goes to the dead letters. */
export interface Rejection {
  /** The object's place; undefined if the whole changeset is rejected. */
  readonly place?: number;
  readonly className?: string;
  readonly reason: DeadLetterReason;
  /** For the operator: what is wrong, with the value. */
  readonly detail: string;
}

/** The documents and rejections of a changeset, or of a part of it. */
export interface ChangesetDocuments {
  readonly clientVersion: bigint;
  /** The whole changeset: dead letters keep it, and their keys derive from it. */
  readonly bytes: Uint8Array;
  /** In wire order: of two documents with the same `_id`, the first wins. */
  readonly documents: readonly PlacedDocument[];
  readonly rejections: readonly Rejection[];
}

/** An upload, or a part of a large upload, that is committed as a whole. */
export interface CommitRequest {
  readonly appId: string;
  /** The file that sent it, with its progress after this commit. Progress never falls. */
  readonly file: ClientFile;
  /** Whether later requests bring the rest of the upload: then the file's row and progress stay unchanged. */
  readonly isPart?: boolean;
  /** The server's clock. */
  readonly receivedAt: Date;
  readonly changesets: readonly ChangesetDocuments[];
}

export interface CommitResult {
  /** New documents. */
  readonly stored: number;
  /** Documents that were stored before, equal. */
  readonly duplicates: number;
  /** New dead letters, including those of the store itself (`id-conflict`, `unique-index`, `validator`). */
  readonly deadLetters: readonly { readonly className?: string; readonly reason: DeadLetterReason }[];
}

/** A dead letter without its changeset. */
export interface DeadLetterSummary {
  /** See `deadLetterKey`: rejecting the same object twice gives one dead letter. */
  readonly key: string;
  readonly reason: DeadLetterReason;
  readonly detail: string;
  readonly appId: string;
  readonly userId: string;
  readonly fileIdent: bigint;
  readonly clientVersion: bigint;
  readonly place?: number;
  readonly className?: string;
  readonly receivedAt: Date;
  /** Bytes of its changeset. */
  readonly sizeBytes: number;
}

export interface DeadLetter extends DeadLetterSummary {
  /** The whole changeset: an object's instructions need its interned strings. */
  readonly changeset: Uint8Array;
}

/** The dead letters of a store. */
export interface DeadLetters {
  /** Oldest first. */
  list(): AsyncIterable<DeadLetterSummary>;
  /** Finds a dead letter by its key, or by a unique beginning of the key. */
  find(key: string): Promise<DeadLetter | undefined>;
  /** Returns whether there was one. */
  delete(key: string): Promise<boolean>;
}

/** An API key, stored as a hash only. */
export interface ApiKey {
  /** Public name of the key, 24 hex digits. */
  readonly id: string;
  /** SHA-256 of the key, 32 bytes. */
  readonly hash: Uint8Array;
  /** The user that it logs in. */
  readonly userName: string;
  readonly createdAt: Date;
  readonly revokedAt?: Date;
}

export interface ApiKeys {
  create(key: ApiKey): Promise<void>;
  /** Oldest first, revoked ones included. */
  list(): Promise<readonly ApiKey[]>;
  findByHash(hash: Uint8Array): Promise<ApiKey | undefined>;
  findById(id: string): Promise<ApiKey | undefined>;
  /** Returns whether a valid key was revoked. */
  revoke(id: string, at: Date): Promise<boolean>;
}

/** Subjects whose refresh tokens are revoked: log-ins that logged out, users that were deleted. */
export interface Revocations {
  add(subject: string, at: Date): Promise<void>;
  has(subjects: readonly string[]): Promise<boolean>;
}

/** The store's records of the server's secret. */
export interface StoredSecret {
  /** The secret, if the store keeps it; undefined if the operator keeps it elsewhere. */
  readonly secret?: Uint8Array;
  /** SHA-256 of the secret of the last start. */
  readonly fingerprint?: Uint8Array;
}

/**
 * The purpose of opening a store.
 *
 * - `serve`: to commit uploads. A SQLite file can be opened so once at a time.
 * - `command`: to read and to change single records, beside a `serve`. Creates a missing store.
 * - `read`: to read only. A missing store is an error.
 */
export type StoreMode = 'serve' | 'command' | 'read';

/**
 * A durable store of documents.
 *
 * Every method rejects with a `StoreError`. If that is `retryable`, repeating the call repairs whatever was half done.
 */
export interface Store {
  /**
   * Resolves when every document is durable, in its collection or in the dead letters, and, unless the request is a
   * part, the file's row and progress are written. Idempotent: repeating a request stores nothing twice.
   *
   * The `_id` alone decides whether a document is new. If a document with the `_id` is stored and equal (by BSON type and
   * bits, NaN equal to NaN, without `ingest`), the new one is a duplicate; if not, it becomes the dead letter `id-conflict`.
   *
   * The caller has rejected documents that `measureDocument` refuses; the store throws a TypeError for them.
   */
  commit(request: CommitRequest): Promise<CommitResult>;
  /**
   * Commits the result of converting a dead letter again: its documents and remaining rejections. Deletes the letter, unless
   * it is rejected again for the same reason, or the result is empty. `deadLetters` of the result says what still cannot be
   * stored. `changeset.bytes` are the letter's.
   */
  retryDeadLetter(letter: DeadLetter, changeset: ChangesetDocuments): Promise<CommitResult>;
  findClientFile(ident: bigint): Promise<ClientFile | undefined>;
  /**
   * Every document of a collection, in the store's order of `_id`s, read in pages. Documents that are committed meanwhile
   * may or may not be among them.
   */
  documents(collection: string): AsyncIterable<Document>;
  /** Names of the collections that contain documents. */
  collections(): Promise<readonly string[]>;
  readonly deadLetters: DeadLetters;
  readonly apiKeys: ApiKeys;
  readonly revocations: Revocations;
  /** Like the next two, part of a start: a MongoDB store that is open for `serve` waits while MongoDB is down. */
  loadSecret(): Promise<StoredSecret>;
  /** Keeps `candidate`, unless a secret is already kept, and returns the kept secret. */
  keepSecret(candidate: Uint8Array): Promise<Uint8Array>;
  keepFingerprint(fingerprint: Uint8Array): Promise<void>;
  /**
   * Resolves when the store has broken, even while no call is running. Never rejects; undefined for a store that cannot break
   * by itself.
   */
  readonly failed?: Promise<StoreError>;
  /** Resolves if a commit would be possible now; rejects with the reason if not. For `/healthz`. */
  ping(): Promise<void>;
  /**
   * Lets earlier calls finish, then closes everything. The MongoDB store gives up calls after two seconds. May be called
   * again.
   */
  close(): Promise<void>;
}
