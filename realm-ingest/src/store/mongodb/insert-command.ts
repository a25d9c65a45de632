/**
 * The insert command.
 *
 * It is sent as a plain command. The driver's bulk operations refuse a whole batch because of one document of 16 MiB,
 * replace an `_id` of null, and report a lost connection as an error of the first document.
 *
 * @module
 */
import { isDuplicateKeyCode } from './mongodb-error.js';
import { majorityTimeoutMillis, type MongodbDatabase } from './mongodb-database.js';

/** One document that the server did not store. */
export interface WriteError {
  /** Its place in the batch. */
  readonly index: number;
  readonly code: unknown;
  readonly errmsg?: string;
  /** The index that refused it; older servers do not tell. */
  readonly keyPattern?: Readonly<Record<string, unknown>>;
}

interface InsertReply {
  readonly writeErrors?: readonly WriteError[];
  readonly writeConcernError?: { readonly code: unknown; readonly errmsg?: string };
}

/**
 * Inserts a batch, each document independently. Resolves when all documents but the returned ones are journaled on a
 * majority; a reported duplicate is then on a majority too.
 *
 * @throws the driver's error if the whole batch failed
 * @throws WriteConcernFailure if a majority has not acknowledged the batch, even if documents were refused as well
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
  // Checked first: it may come together with refused documents.
  if (reply.writeConcernError !== undefined) throw new WriteConcernFailure(reply.writeConcernError);
  return reply.writeErrors ?? [];
}

/**
 * Inserts one record unless its `_id` exists; either way, the record is then journaled on a majority. The driver's own
 * insert reports a duplicate, but not that a majority has not acknowledged it.
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

class WriteConcernFailure extends Error {
  readonly code: unknown;

  constructor({ code, errmsg = '' }: NonNullable<InsertReply['writeConcernError']>) {
    super(`a majority has not acknowledged the write: ${errmsg}`);
    this.code = code;
  }
}
