/**
 * The collections of a store, and how they are read and written.
 *
 * @module
 */
import type { Binary, Collection, Db, MongoClient } from 'mongodb';
import type { Driver } from './driver.js';

/** Collections that are ours begin with this. None of the telemetry may: see `requireClasses`. */
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

/** A database that holds a store. */
export class MongodbDatabase {
  readonly driver: Driver;
  readonly client: MongoClient;
  readonly db: Db;
  readonly clientFiles: Collection<ClientFileRecord>;
  readonly deadLetters: Collection<DeadLetterRecord>;
  readonly changesetPieces: Collection<ChangesetPieceRecord>;
  readonly apiKeys: Collection<ApiKeyRecord>;
  readonly revocations: Collection<RevocationRecord>;
  readonly settings: Collection<SettingRecord>;

  constructor(driver: Driver, client: MongoClient, name: string) {
    this.driver = driver;
    this.client = client;
    // Whatever the connection string says: these are the promises.
    this.db = client.db(name, {
      readPreference: 'primary',
      // What is seen there stays there: an acknowledgement may rest on it.
      readConcern: new driver.ReadConcern('majority'),
      writeConcern: { w: 'majority', journal: true, wtimeoutMS: majorityTimeoutMillis },
      useBigInt64: true,
    });
    this.clientFiles = this.db.collection(`${ownPrefix}client_files`);
    this.deadLetters = this.db.collection(`${ownPrefix}dead_letters`);
    this.changesetPieces = this.db.collection(`${ownPrefix}changeset_pieces`);
    this.apiKeys = this.db.collection(`${ownPrefix}api_keys`);
    this.revocations = this.db.collection(`${ownPrefix}revocations`);
    this.settings = this.db.collection(`${ownPrefix}settings`);
  }

  get name(): string {
    return this.db.databaseName;
  }

  binary(bytes: Uint8Array): Binary {
    return new this.driver.BSON.Binary(bytes);
  }
}

/** A copy of a binary's bytes. */
export function bytesOf(binary: Binary): Uint8Array {
  return Uint8Array.from(binary.buffer.subarray(0, binary.position));
}
