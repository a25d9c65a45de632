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
import type { IndexBuilding } from './index-building.js';
import type { MongodbDatabase } from './mongodb-database.js';
import { OperationGate } from './operation-gate.js';
import type { OutageWait } from './outage-wait.js';

/** How long what was begun may take to finish when the store is closed, milliseconds. Then it is given up. */
const finishMillis = 2000;

/** A store in one MongoDB database, shared with any number of other processes. */
export class MongodbStore implements Store {
  readonly deadLetters: DeadLetters;
  readonly apiKeys: ApiKeys;
  readonly revocations: Revocations;
  readonly #database: MongodbDatabase;
  readonly #room: DeadLetterRoom;
  readonly #gate: OperationGate;
  readonly #building: IndexBuilding;
  readonly #outage: OutageWait | undefined;
  #closing: Promise<void> | undefined;

  /** @param database - it is the store's to close, as `building` is */
  constructor(
    database: MongodbDatabase,
    options: {
      readonly maxDeadLetterBytes: number;
      readonly building: IndexBuilding;
      /** Of a store that is served: what is asked at its start waits while MongoDB is down. */
      readonly outage: OutageWait | undefined;
    },
  ) {
    const gate = new OperationGate(database.name);
    this.#database = database;
    this.#room = new DeadLetterRoom(database, options.maxDeadLetterBytes);
    this.#gate = gate;
    this.#building = options.building;
    this.#outage = options.outage;
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

  /** A read from the primary: it takes one, and the right to read there. */
  ping(): Promise<void> {
    return this.#gate.run(async () => {
      await this.#database.run('read', 'ping', (options) =>
        this.#database.settings.findOne({ _id: 'secret' }, { projection: { _id: 1 }, ...options }),
      );
    });
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.all([this.#building.close(), this.#gate.close(finishMillis)]);
      await this.#database.close();
    })();
    return this.#closing;
  }

  #atStart<T>(operation: () => Promise<T>): Promise<T> {
    const attempt = (): Promise<T> => this.#gate.run(operation);
    return this.#outage === undefined ? attempt() : this.#outage.until(attempt);
  }

  #commit(commit: Commit): Promise<CommitResult> {
    return this.#gate.run(() => commitUpload(this.#database, this.#room, commit));
  }
}
