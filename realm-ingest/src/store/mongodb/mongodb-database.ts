/**
 * The collections of a store, and the ways to read and write them.
 *
 * @module
 */
import type { AbstractCursor, Binary, ClientSession, Collection, Db, MongoClient } from 'mongodb';
import type { ApiKey, ClientFile, DeadLetterSummary } from '../store.js';
import type { CommandKind } from './command-timing.js';
import type { Driver } from './driver.js';
import type { RenewableClient } from './renewable-client.js';

/** Prefix of our own collections. Telemetry collections never have it: see `checkStoredClasses`. */
export const ownPrefix = 'realm_ingest.';

/** How long a write waits for the majority before it counts as not acknowledged. */
export const majorityTimeoutMillis = 20_000;

interface ClientFileRecord extends Omit<ClientFile, 'ident'> {
  readonly _id: bigint;
}

export interface DeadLetterRecord extends Omit<DeadLetterSummary, 'key' | 'place'> {
  /** The letter's key. */
  readonly _id: string;
  /** An ObjectId made by the process that adds the letter; it rises with time. */
  readonly sequence: unknown;
  readonly place?: bigint;
  /** Hex SHA-256 of the changeset. */
  readonly digest: string;
}

/** A piece of a changeset; all dead letters of the changeset share it. */
interface ChangesetPieceRecord {
  /** Digest, colon, piece number with leading zeros. */
  readonly _id: string;
  readonly bytes: Binary;
}

export interface ApiKeyRecord extends Omit<ApiKey, 'id' | 'hash'> {
  readonly _id: string;
  readonly hash: Binary;
}

interface RevocationRecord {
  readonly _id: string;
  readonly revokedAt: Date;
}

interface SettingRecord {
  readonly _id: string;
  readonly value: Binary;
}

/** Options of a command. All driver methods accept the signal, though some of their types do not name it. */
interface CommandOptions {
  readonly signal: AbortSignal;
  /** Never given. Makes this type compatible with theirs. */
  readonly session?: ClientSession;
}

/**
 * The database of a store. `db` and the collections belong to the current client, which may be replaced: read them only
 * inside the function given to {@link run}.
 */
export class MongodbDatabase {
  readonly driver: Driver;
  readonly name: string;
  readonly #client: RenewableClient;
  #db: { readonly client: MongoClient; readonly db: Db } | undefined;

  /** @param client - this class closes it */
  constructor(driver: Driver, client: RenewableClient, name: string) {
    this.driver = driver;
    this.name = name;
    this.#client = client;
  }

  get client(): MongoClient {
    return this.#client.current;
  }

  get db(): Db {
    const { client } = this;
    if (this.#db?.client !== client) this.#db = { client, db: this.#openDb(client) };
    return this.#db.db;
  }

  get clientFiles(): Collection<ClientFileRecord> {
    return this.db.collection(`${ownPrefix}client_files`);
  }

  get deadLetters(): Collection<DeadLetterRecord> {
    return this.db.collection(`${ownPrefix}dead_letters`);
  }

  get changesetPieces(): Collection<ChangesetPieceRecord> {
    return this.db.collection(`${ownPrefix}changeset_pieces`);
  }

  get apiKeys(): Collection<ApiKeyRecord> {
    return this.db.collection(`${ownPrefix}api_keys`);
  }

  get revocations(): Collection<RevocationRecord> {
    return this.db.collection(`${ownPrefix}revocations`);
  }

  get settings(): Collection<SettingRecord> {
    return this.db.collection(`${ownPrefix}settings`);
  }

  /**
   * Runs one command with a deadline.
   *
   * @param what - for errors, such as `insert into Span`
   * @param operation - passes its options to the driver
   * @throws StoreError `store-unavailable` if no answer came in time; or else the driver's error
   */
  run<T>(kind: CommandKind, what: string, operation: (options: CommandOptions) => Promise<T>): Promise<T> {
    return this.#client.run(kind, what, (signal) => operation({ signal }));
  }

  /**
   * The values of a cursor. Each step has a deadline; the time between steps is the caller's. The driver passes the signal
   * to the first command only: if a later one hangs, the pool lacks its connection until the client is renewed.
   */
  async *iterate<T>(
    what: string,
    open: (options: CommandOptions) => AbstractCursor<T>,
    kind: CommandKind = 'read',
  ): AsyncGenerator<T> {
    const controller = new AbortController();
    const cursor = open({ signal: controller.signal });
    try {
      for (;;) {
        const step = (): Promise<T | null> => cursor.next();
        const isBuffered = cursor.bufferedCount() > 0;
        const value = isBuffered ? await step() : await this.#client.run(kind, what, step, controller);
        if (value === null) return;
        yield value;
      }
    } finally {
      // Not awaited: it may be a command too.
      this.#client.run('read', `close ${what}`, () => cursor.close()).catch(() => undefined);
    }
  }

  /** All values of a cursor. */
  async collect<T>(
    what: string,
    open: (options: CommandOptions) => AbstractCursor<T>,
    kind: CommandKind = 'read',
  ): Promise<T[]> {
    const values: T[] = [];
    for await (const value of this.iterate(what, open, kind)) values.push(value);
    return values;
  }

  /** Gives up running commands. Never rejects; takes a few seconds at most. */
  close(): Promise<void> {
    return this.#client.close();
  }

  binary(bytes: Uint8Array): Binary {
    return new this.driver.BSON.Binary(bytes);
  }

  #openDb(client: MongoClient): Db {
    // These override the connection string: the delivery guarantees rest on them.
    return client.db(this.name, {
      readPreference: 'primary',
      // Documents that are read cannot be rolled back: an acknowledgement may rest on them.
      readConcern: new this.driver.ReadConcern('majority'),
      writeConcern: { w: 'majority', journal: true, wtimeoutMS: majorityTimeoutMillis },
      useBigInt64: true,
    });
  }
}

/** A copy of a binary's bytes. */
export function bytesOf(binary: Binary): Uint8Array {
  return Uint8Array.from(binary.buffer.subarray(0, binary.position));
}
