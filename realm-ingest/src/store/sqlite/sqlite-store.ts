import { commitOfRetry, commitOfUpload, type Commit } from '../commit.js';
import type { Document } from '../document.js';
import { StoreError } from '../store-error.js';
import type {
  ApiKey,
  ApiKeys,
  ChangesetDocuments,
  ClientFile,
  CommitRequest,
  CommitResult,
  DeadLetter,
  DeadLetters,
  DeadLetterSummary,
  Revocations,
  Store,
  StoredSecret,
} from '../store.js';
import { decodeDocument } from './decode-document.js';
import { addBytes, encodeChangesets } from './encode-commit.js';
import { jsonFormOf, type JsonForm } from './json-form.js';
import type { SqliteStoreOptions } from './open-database.js';
import { WorkerChannel } from './worker-channel.js';
import { bytesWanted } from './worker-messages.js';

/**
 * Opens a store in one SQLite file. A thread of its own uses the file.
 *
 * @throws StoreError
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const channel = new WorkerChannel(options);
  try {
    await channel.opened;
  } catch (error) {
    await channel.terminate();
    throw error;
  }
  return new SqliteStore(channel, options.path);
}

class SqliteStore implements Store {
  readonly deadLetters: DeadLetters;
  readonly apiKeys: ApiKeys;
  readonly revocations: Revocations;
  readonly failed: Promise<StoreError>;
  readonly #channel: WorkerChannel;
  readonly #path: string;
  /** Commits may still be encoding, or be sent again with their bytes. */
  readonly #commits = new Set<Promise<CommitResult>>();
  #closing: Promise<void> | undefined;

  constructor(channel: WorkerChannel, path: string) {
    this.#channel = channel;
    this.#path = path;
    this.failed = channel.failed;
    this.deadLetters = {
      list: () => listDeadLetters(channel),
      find: (key) => channel.call('findDeadLetter', key),
      delete: (key) => channel.call('deleteDeadLetter', key),
    };
    this.apiKeys = {
      create: (key: ApiKey) => channel.call('createApiKey', key),
      list: () => channel.call('listApiKeys'),
      findByHash: (hash) => channel.call('findApiKey', { hash: hash.slice() }),
      findById: (id) => channel.call('findApiKey', { id }),
      revoke: (id, at) => channel.call('revokeApiKey', id, at),
    };
    this.revocations = {
      add: (subject, at) => channel.call('addRevocation', subject, at),
      has: (subjects) => channel.call('hasRevocation', subjects),
    };
  }

  commit(request: CommitRequest): Promise<CommitResult> {
    return this.#commit(commitOfUpload(request));
  }

  retryDeadLetter(letter: DeadLetter, changeset: ChangesetDocuments): Promise<CommitResult> {
    return this.#commit(commitOfRetry(letter, changeset));
  }

  findClientFile(ident: bigint): Promise<ClientFile | undefined> {
    return this.#channel.call('findClientFile', ident);
  }

  async *documents(collection: string): AsyncGenerator<Document> {
    const form = jsonFormOf(collection);
    let after: string | undefined;
    for (;;) {
      const page = await this.#channel.call('readDocuments', collection, after);
      if (page.length === 0) return;
      for (const { key, json } of page) {
        yield this.#decode(json, form, key);
        after = key;
      }
    }
  }

  collections(): Promise<readonly string[]> {
    return this.#channel.call('listCollections');
  }

  loadSecret(): Promise<StoredSecret> {
    return this.#channel.call('loadSecret');
  }

  keepSecret(candidate: Uint8Array): Promise<Uint8Array> {
    return this.#channel.call('keepSecret', candidate.slice());
  }

  keepFingerprint(fingerprint: Uint8Array): Promise<void> {
    return this.#channel.call('keepFingerprint', fingerprint.slice());
  }

  ping(): Promise<void> {
    return this.#channel.call('ping');
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.allSettled(this.#commits);
      await this.#channel.close();
    })();
    return this.#closing;
  }

  async #commit(commit: Commit): Promise<CommitResult> {
    if (this.#closing !== undefined) {
      throw new StoreError('store-closed', `${this.#path} was closed`, { retryable: false });
    }
    const committing = this.#encodeAndSend(commit);
    this.#commits.add(committing);
    try {
      return await committing;
    } finally {
      this.#commits.delete(committing);
    }
  }

  async #encodeAndSend(commit: Commit): Promise<CommitResult> {
    const changesets = await encodeChangesets(commit.changesets);
    const result = await this.#channel.commit({ ...commit, changesets });
    if (result !== bytesWanted) return result;
    const withBytes = addBytes(changesets, commit.changesets);
    const again = await this.#channel.commit({ ...commit, changesets: withBytes });
    if (again === bytesWanted) throw new Error('the store asked for bytes that it has');
    return again;
  }

  #decode(json: string, form: JsonForm, key: string): Document {
    try {
      return decodeDocument(json, form);
    } catch (error) {
      throw new StoreError(
        'store-corrupt',
        `${this.#path}: another program has damaged the document ${key}`,
        {
          cause: error,
          retryable: false,
        },
      );
    }
  }
}

async function* listDeadLetters(channel: WorkerChannel): AsyncGenerator<DeadLetterSummary> {
  let after = 0n;
  for (;;) {
    const { letters, last } = await channel.call('readDeadLetters', after);
    if (letters.length === 0) return;
    yield* letters;
    after = last;
  }
}
