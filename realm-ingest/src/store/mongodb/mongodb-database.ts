/**
 * The collections of a store, and how they are read and written.
 *
 * @module
 */
import type { AbstractCursor, Binary, ClientSession, Collection, Db, MongoClient } from 'mongodb';
import type { CommandKind } from './command-timing.js';
import type { Driver } from './driver.js';
import type { RenewableClient } from './renewable-client.js';

/** Collections that are ours begin with this. None of the telemetry may: see `checkStoredClasses`. */
export const ownPrefix = 'realm_ingest.';

/** Milliseconds for which a write waits for the majority, before it counts as not acknowledged. */
export const majorityTimeoutMillis = 20_000;

export interface ClientFileRecord {
  readonly _id: bigint;
  readonly salt: bigint;
  readonly userId: string;
  readonly clientVersion: bigint;
  readonly serverVersion: bigint;
}

export interface DeadLetterRecord {
  /** The letter's key. */
  readonly _id: string;
  /** Made by whoever adds the letter: rises with time. */
  readonly sequence: unknown;
  readonly reason: string;
  readonly detail: string;
  readonly appId: string;
  readonly userId: string;
  readonly fileIdent: bigint;
  readonly clientVersion: bigint;
  readonly place?: bigint;
  readonly className?: string;
  readonly receivedAt: Date;
  /** Hex SHA-256 of the changeset. */
  readonly digest: string;
  readonly sizeBytes: number;
}

/** Of a changeset that dead letters came of; all letters of it share its pieces. */
export interface ChangesetPieceRecord {
  /** Digest, colon, number of the piece with its leading zeros. */
  readonly _id: string;
  readonly bytes: Binary;
}

export interface ApiKeyRecord {
  readonly _id: string;
  readonly hash: Binary;
  readonly userName: string;
  readonly createdAt: Date;
  readonly revokedAt?: Date;
}

export interface RevocationRecord {
  readonly _id: string;
  readonly revokedAt: Date;
}

export interface SettingRecord {
  readonly _id: string;
  readonly value: Binary;
}

/** Options of a command, for the driver. Its methods take the signal, though the types of some do not name it. */
export interface CommandOptions {
  readonly signal: AbortSignal;
  /** Never given; it is what those types have in common with this one. */
  readonly session?: ClientSession;
}

/**
 * A database that holds a store. `db` and the collections are those of the client that is used now: a command takes them
 * where it is sent, inside of what it hands to {@link run}.
 */
export class MongodbDatabase {
  readonly driver: Driver;
  readonly name: string;
  readonly #client: RenewableClient;
  #db: { readonly client: MongoClient; readonly db: Db } | undefined;

  /** @param client - it is closed here */
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
   * Runs one command under a deadline.
   *
   * @param what - for errors, as in `insert into Span`
   * @param operation - hands its options on to the driver
   * @throws StoreError `store-unavailable` where no answer came in time; else the driver's error
   */
  run<T>(kind: CommandKind, what: string, operation: (options: CommandOptions) => Promise<T>): Promise<T> {
    return this.#client.run(kind, what, (signal) => operation({ signal }));
  }

  /**
   * What a cursor gives, each step of it under a deadline: the time between steps is the caller's. The driver gives the
   * signal to the first command only. If a later one hangs, its connection is lost to the pool until the client is renewed.
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
        const isAtHand = cursor.bufferedCount() > 0;
        const value = isAtHand ? await step() : await this.#client.run(kind, what, step, controller);
        if (value === null) return;
        yield value;
      }
    } finally {
      // Not waited for: it may be a command, too.
      this.#client.run('read', `close ${what}`, () => cursor.close()).catch(() => undefined);
    }
  }

  /** All that a cursor gives. */
  async collect<T>(
    what: string,
    open: (options: CommandOptions) => AbstractCursor<T>,
    kind: CommandKind = 'read',
  ): Promise<T[]> {
    const values: T[] = [];
    for await (const value of this.iterate(what, open, kind)) values.push(value);
    return values;
  }

  /** Gives up what is under way. Never rejects, and takes a few seconds at most. */
  close(): Promise<void> {
    return this.#client.close();
  }

  binary(bytes: Uint8Array): Binary {
    return new this.driver.BSON.Binary(bytes);
  }

  #openDb(client: MongoClient): Db {
    // Whatever the connection string says: these are the promises.
    return client.db(this.name, {
      readPreference: 'primary',
      // What is seen there stays there: an acknowledgement may rest on it.
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
