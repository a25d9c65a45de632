import { commitOfRetry, commitOfUpload, type Commit } from '../commit.js';
import type { Document } from '../document.js';
import type {
  ApiKeys,
  ChangesetDocuments,
  ClientFile,
  CommitRequest,
  CommitResult,
  DeadLetter,
  DeadLetters,
  Revocations,
  Store,
  StoredSecret,
} from '../store.js';
import {
  addRevocation,
  createApiKey,
  findApiKey,
  hasRevocation,
  keepFingerprint,
  keepSecret,
  listApiKeys,
  loadSecret,
  revokeApiKey,
} from './account-collections.js';
import { commitUpload } from './commit-operation.js';
import { deleteDeadLetter, findDeadLetter, listDeadLetters } from './dead-letter-collection.js';
import { DeadLetterRoom } from './dead-letter-room.js';
import { findClientFile, listCollections, readDocuments } from './document-collections.js';
import type { IndexBuild } from './index-build.js';
import type { MongodbDatabase } from './mongodb-database.js';
import { OperationGate } from './operation-gate.js';
import type { StartRetry } from './start-retry.js';

/** How long operations may take to finish when the store is closed. Then they are given up. */
const finishMillis = 2000;

/** A store in one MongoDB database, shared with any number of other processes. */
export class MongodbStore implements Store {
  readonly deadLetters: DeadLetters;
  readonly apiKeys: ApiKeys;
  readonly revocations: Revocations;
  readonly #database: MongodbDatabase;
  readonly #room: DeadLetterRoom;
  readonly #gate: OperationGate;
  readonly #build: IndexBuild;
  readonly #startRetry: StartRetry | undefined;
  #closing: Promise<void> | undefined;

  /** @param database - the store closes it, and `build` too */
  constructor(
    database: MongodbDatabase,
    options: {
      readonly maxDeadLetterBytes: number;
      readonly build: IndexBuild;
      /** For a served store: operations of its start wait while MongoDB is down. */
      readonly startRetry: StartRetry | undefined;
    },
  ) {
    const gate = new OperationGate(database.name);
    this.#database = database;
    this.#room = new DeadLetterRoom(database, options.maxDeadLetterBytes);
    this.#gate = gate;
    this.#build = options.build;
    this.#startRetry = options.startRetry;
    this.deadLetters = {
      list: () => gate.iterate(() => listDeadLetters(database)),
      find: (key) => gate.run(() => findDeadLetter(database, key)),
      delete: (key) => gate.run(() => deleteDeadLetter(database, key)),
    };
    this.apiKeys = {
      create: (key) => gate.run(() => createApiKey(database, key)),
      list: () => gate.run(() => listApiKeys(database)),
      findByHash: (hash) => gate.run(() => findApiKey(database, { hash })),
      findById: (id) => gate.run(() => findApiKey(database, { id })),
      revoke: (id, at) => gate.run(() => revokeApiKey(database, id, at)),
    };
    this.revocations = {
      add: (subject, at) => gate.run(() => addRevocation(database, subject, at)),
      has: (subjects) => gate.run(() => hasRevocation(database, subjects)),
    };
  }

  commit(request: CommitRequest): Promise<CommitResult> {
    return this.#commit(commitOfUpload(request));
  }

  retryDeadLetter(letter: DeadLetter, changeset: ChangesetDocuments): Promise<CommitResult> {
    return this.#commit(commitOfRetry(letter, changeset));
  }

  findClientFile(ident: bigint): Promise<ClientFile | undefined> {
    return this.#gate.run(() => findClientFile(this.#database, ident));
  }

  documents(collection: string): AsyncIterable<Document> {
    return this.#gate.iterate(() => readDocuments(this.#database, collection));
  }

  collections(): Promise<readonly string[]> {
    return this.#gate.run(() => listCollections(this.#database));
  }

  loadSecret(): Promise<StoredSecret> {
    return this.#atStart(() => loadSecret(this.#database));
  }

  keepSecret(candidate: Uint8Array): Promise<Uint8Array> {
    return this.#atStart(() => keepSecret(this.#database, candidate));
  }

  keepFingerprint(fingerprint: Uint8Array): Promise<void> {
    return this.#atStart(() => keepFingerprint(this.#database, fingerprint));
  }

  /** Reads from the primary: this fails without a primary or without the right to read. */
  ping(): Promise<void> {
    return this.#gate.run(async () => {
      await this.#database.run('read', 'ping', (options) =>
        this.#database.settings.findOne({ _id: 'secret' }, { projection: { _id: 1 }, ...options }),
      );
    });
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.all([this.#build.close(), this.#gate.close(finishMillis)]);
      await this.#database.close();
    })();
    return this.#closing;
  }

  #atStart<T>(operation: () => Promise<T>): Promise<T> {
    const attempt = (): Promise<T> => this.#gate.run(operation);
    return this.#startRetry === undefined ? attempt() : this.#startRetry.run(attempt);
  }

  #commit(commit: Commit): Promise<CommitResult> {
    return this.#gate.run(() => commitUpload(this.#database, this.#room, commit));
  }
}
