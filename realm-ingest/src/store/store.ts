/**
 * What realm-ingest asks of a store. SQLite and MongoDB both pass one contract suite (`test/store/store-contract.ts`).
 *
 * @module
 */
import type { Document } from './document.js';
import type { StoreError } from './store-error.js';

/** Why something can never be stored in its collection. Nothing else is a reason for a dead letter. */
export const deadLetterReasons = [
  /** Another document with this `_id` is stored, and it differs. */
  'id-conflict',
  /** A unique index other than that on `_id` refused it. */
  'unique-index',
  /** Above 16 MiB of BSON. */
  'too-large',
  /** Nested more than 100 levels deep. */
  'too-deep',
  /** A value or a name that the store has no form for. */
  'unstorable-value',
  /** The collection's validator refused it. */
  'validator',
  /** The changeset cannot be decoded. */
  'bad-changeset',
  /** The changeset holds an instruction that asymmetric writes never make. */
  'unexpected-instruction',
  /** The class was not admitted. */
  'class-not-admitted',
  /** A batch that cannot be unpacked. */
  'bad-batch',
] as const;

export type DeadLetterReason = (typeof deadLetterReasons)[number];

/** What a store keeps of one client file, from its first commit on. */
export interface ClientFile {
  /** 64 bits, positive. */
  readonly ident: bigint;
  readonly salt: bigint;
  readonly userId: string;
  /** Highest client version committed; for diagnosis and metrics, never to skip changesets by. */
  readonly clientVersion: bigint;
  /** Highest server version used towards the file. */
  readonly serverVersion: bigint;
}

/** A document and where in its changeset it came from. */
export interface PlacedDocument {
  /** `RealmObject.place`, or -1 - n for the nth record of a batch. */
  readonly place: number;
  readonly className: string;
  readonly collection: string;
  /** With `_id`, and with `ingest`, which no comparison looks at. */
  readonly document: Document;
}

/** Something of a changeset that goes to the dead letters. */
export interface Rejection {
  /** The object's place; undefined where the whole changeset is rejected. */
  readonly place?: number;
  readonly className?: string;
  readonly reason: DeadLetterReason;
  /** For the person who looks at it: what was wrong, with what value. */
  readonly detail: string;
}

/** What one changeset, or a part of it, came to. */
export interface ChangesetDocuments {
  readonly clientVersion: bigint;
  /** The whole changeset as it came: dead letters keep it, and their keys derive from it. */
  readonly bytes: Uint8Array;
  /** All of them, or a part's. In wire order: the first of two equal `_id`s wins. */
  readonly documents: readonly PlacedDocument[];
  readonly rejections: readonly Rejection[];
}

/** One upload, or a part of a large one, to be committed as a whole. */
export interface CommitRequest {
  readonly appId: string;
  /** The file that sent it, with its progress after this commit (a maximum: progress never falls). */
  readonly file: ClientFile;
  /** Whether more of the upload comes with later requests: then the file's row and progress stay as they are. */
  readonly isPart?: boolean;
  /** The server's clock. */
  readonly receivedAt: Date;
  readonly changesets: readonly ChangesetDocuments[];
}

export interface CommitResult {
  /** Documents that were not there before. */
  readonly stored: number;
  /** Documents that were there already, equal. */
  readonly duplicates: number;
  /** Dead letters that were not there before, the store's own (`id-conflict`, `unique-index`, `validator`) included. */
  readonly deadLetters: readonly { readonly className?: string; readonly reason: DeadLetterReason }[];
}

/** A dead letter without its bytes. */
export interface DeadLetterSummary {
  /** Hex SHA-256 of (changeset bytes, place, reason): the same thing set aside twice is one dead letter. */
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
  /** By key, or by a beginning of one that no other has. */
  find(key: string): Promise<DeadLetter | undefined>;
  /** Whether there was one. */
  delete(key: string): Promise<boolean>;
}

/** An API key as it is stored: by hash only. */
export interface ApiKey {
  /** Public name of the key, 24 hex digits. */
  readonly id: string;
  /** SHA-256 of the key, 32 bytes. */
  readonly hash: Uint8Array;
  /** The user whom it logs in. */
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
  /** Whether there was one that was not revoked yet. */
  revoke(id: string, at: Date): Promise<boolean>;
}

/** Subjects whose refresh tokens are no longer honoured: sessions that logged out, users that were deleted. */
export interface Revocations {
  add(subject: string, at: Date): Promise<void>;
  has(subjects: readonly string[]): Promise<boolean>;
}

/** What the store remembers of the server's secret. */
export interface StoredSecret {
  /** The secret, where the store made it; undefined where the user keeps it elsewhere. */
  readonly secret?: Uint8Array;
  /** SHA-256 of the secret with which the store was last served. */
  readonly fingerprint?: Uint8Array;
}

/**
 * What a store is opened for.
 *
 * - `serve`: to commit uploads. A SQLite file has one such opener at a time.
 * - `command`: to look and to change single things, beside a `serve`. Creates what is not there yet.
 * - `read`: to look only. What is not there is an error.
 */
export type StoreMode = 'serve' | 'command' | 'read';

/**
 * A place where documents are kept for good.
 *
 * Every method rejects with a `StoreError`; one that is `retryable` has left nothing half done that a repetition
 * would not mend.
 */
export interface Store {
  /**
   * Resolves when every document is durable, in its collection or in the dead letters, and, unless the request is a
   * part, the file's row and progress are written. Idempotent: the same request again stores nothing twice.
   *
   * An `_id` decides alone whether a document is new: one that is there and equal (by BSON type and bits, NaN equal to
   * NaN, `ingest` left out) is a duplicate; one that differs goes to the dead letters as `id-conflict`.
   *
   * The caller has sorted out what `measureDocument` refuses: a document that the store has no form for is a TypeError.
   */
  commit(request: CommitRequest): Promise<CommitResult>;
  /**
   * Commits what a dead letter came to when it was made anew: its documents and what is still rejected. The letter is
   * deleted unless one of the same place and reason comes of it again, or nothing at all; `deadLetters` of the result
   * says what still stands in the way. `changeset.bytes` are the letter's.
   */
  retryDeadLetter(letter: DeadLetter, changeset: ChangesetDocuments): Promise<CommitResult>;
  findClientFile(ident: bigint): Promise<ClientFile | undefined>;
  /**
   * Every document of a collection, in the order of its `_id`s as the store sorts them, read in pieces: what is
   * committed meanwhile may be among them or not.
   */
  documents(collection: string): AsyncIterable<Document>;
  /** Names of the collections that hold documents. */
  collections(): Promise<readonly string[]>;
  readonly deadLetters: DeadLetters;
  readonly apiKeys: ApiKeys;
  readonly revocations: Revocations;
  /** Like the two below, part of a start: a MongoDB store that is open for `serve` waits for a server that is down. */
  loadSecret(): Promise<StoredSecret>;
  /** Keeps `candidate` unless a secret is kept already, and returns the one that is kept. */
  keepSecret(candidate: Uint8Array): Promise<Uint8Array>;
  keepFingerprint(fingerprint: Uint8Array): Promise<void>;
  /**
   * Resolves once the store is of no more use, though nothing may have been asked of it. Never rejects; undefined for a
   * store that does not break by itself.
   */
  readonly failed?: Promise<StoreError>;
  /** Whether a commit could be taken now; rejects with the reason if not. For `/healthz`. */
  ping(): Promise<void>;
  /**
   * Lets what was asked before finish, then lets go of everything. MongoDB's gives up what takes longer than two seconds.
   * Safe to call again.
   */
  close(): Promise<void>;
}
