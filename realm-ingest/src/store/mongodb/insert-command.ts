/**
 * The insert command.
 *
 * It is sent as such. The driver's bulk operations refuse a whole batch because of one document of 16 MiB, give a
 * document whose `_id` is null another one, and tell of a lost connection as of an error of the first document.
 *
 * @module
 */
import { isDuplicateKeyCode } from './mongodb-error.js';
import { majorityTimeoutMillis, type MongodbDatabase } from './mongodb-database.js';

/** One document that the server has not stored. */
export interface WriteError {
  /** Its place in the batch. */
  readonly index: number;
  readonly code: unknown;
  readonly errmsg?: string;
  /** Of an index that refused it; older servers do not tell. */
  readonly keyPattern?: Readonly<Record<string, unknown>>;
}

interface InsertReply {
  readonly writeErrors?: readonly WriteError[];
  readonly writeConcernError?: { readonly code: unknown; readonly errmsg?: string };
}

/**
 * Inserts a batch, each document for itself. Resolves when all but those returned are journaled on a majority; what is
 * told of a duplicate is then true of a majority, too.
 *
 * @throws the driver's error where the batch as a whole has failed
 * @throws WriteConcernFailure where a majority has not acknowledged it, whatever was refused besides
 */
export async function runInsert(
  database: MongodbDatabase,
  collection: string,
  documents: readonly unknown[],
): Promise<readonly WriteError[]> {
  const command = {
    insert: collection,
    documents,
    ordered: false,
    writeConcern: { w: 'majority', j: true, wtimeout: majorityTimeoutMillis },
  };
  const reply: InsertReply = await database.run('write', `insert into ${collection}`, (options) =>
    database.db.command(command, options),
  );
  // It may stand beside refused documents.
  if (reply.writeConcernError !== undefined) throw new WriteConcernFailure(reply.writeConcernError);
  return reply.writeErrors ?? [];
}

/**
 * Inserts one record unless there is one of its `_id`; either way it is journaled on a majority then. The driver's own
 * insertion tells of a duplicate only, and not of a majority that has not acknowledged it.
 */
export async function insertUnlessPresent(
  database: MongodbDatabase,
  collection: string,
  record: Readonly<Record<string, unknown>>,
): Promise<void> {
  const [error] = await runInsert(database, collection, [record]);
  if (error !== undefined && !isDuplicateKeyCode(error.code)) {
    throw new Error(`a record of ${collection} was refused: ${error.errmsg ?? ''}`);
  }
}

export class WriteConcernFailure extends Error {
  readonly code: unknown;

  constructor({ code, errmsg = '' }: NonNullable<InsertReply['writeConcernError']>) {
    super(`a majority has not acknowledged the write: ${errmsg}`);
    this.code = code;
  }
}
