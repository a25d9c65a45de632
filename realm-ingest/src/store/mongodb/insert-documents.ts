/**
 * Documents into their collections.
 *
 * @module
 */
import { documentSize } from '../document-limits.js';
import type { PlacedDocument } from '../store.js';
import { encodeDocument } from './encode-document.js';
import { runInsert, type WriteError } from './insert-command.js';
import type { MongodbDatabase } from './mongodb-database.js';
import { codeOf, tooLargeCodes } from './mongodb-error.js';

/**
 * What goes into one command. BSON of this size is encoded in some ten milliseconds, and the event loop lives. A single
 * document may be larger, up to 16 MiB, and then goes alone: for the rest of a command with it, a server has 16 KiB
 * beyond. No message comes near the 48 MB that a server takes.
 */
const batchBytes = 2 * 1024 * 1024;
const documentsPerBatch = 5000;

/** A document that the server did not store, and what it said. */
export interface InsertFailure {
  readonly document: PlacedDocument;
  readonly code: unknown;
  readonly message: string;
  /** Whether it was the index on `_id` that refused it; undefined where the server does not tell. */
  readonly onId: boolean | undefined;
}

/**
 * Inserts documents under their own `_id`s. Resolves when each of them is journaled on a majority, or refused by
 * itself. Documents of one collection go in order: the first of two equal `_id`s is the one that is stored.
 *
 * @throws the driver's error where a batch as a whole has failed, or was not acknowledged by a majority
 */
export async function insertDocuments(
  database: MongodbDatabase,
  documents: readonly PlacedDocument[],
): Promise<InsertFailure[]> {
  const byCollection = new Map<string, PlacedDocument[]>();
  for (const document of documents) {
    const others = byCollection.get(document.collection);
    if (others === undefined) byCollection.set(document.collection, [document]);
    else others.push(document);
  }
  const settled = await Promise.allSettled(
    [...byCollection].map(([collection, members]) => insertIntoCollection(database, collection, members)),
  );
  return settled.flatMap((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}

async function insertIntoCollection(
  database: MongodbDatabase,
  collection: string,
  documents: readonly PlacedDocument[],
): Promise<InsertFailure[]> {
  const failures: InsertFailure[] = [];
  let batch: PlacedDocument[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    failures.push(...(await insertBatch(database, collection, batch)));
    batch = [];
    bytes = 0;
  };
  for (const document of documents) {
    const size = documentSize(document.document);
    if (batch.length === documentsPerBatch || (batch.length > 0 && bytes + size > batchBytes)) await flush();
    batch.push(document);
    bytes += size;
  }
  if (batch.length > 0) await flush();
  return failures;
}

async function insertBatch(
  database: MongodbDatabase,
  collection: string,
  batch: readonly PlacedDocument[],
): Promise<InsertFailure[]> {
  // Others get their turn between batches: each waits for the answer to the one before.
  const documents = batch.map(({ document }) => encodeDocument(document, database.driver.BSON));
  let errors: readonly WriteError[];
  try {
    errors = await runInsert(database, collection, documents);
  } catch (error) {
    if (!tooLargeCodes.includes(codeOf(error))) throw error;
    return insertHalves(database, collection, batch, error);
  }
  return errors.map(({ index, code, errmsg: message = '', keyPattern }) => {
    const document = batch[index];
    if (document === undefined) throw new Error(`MongoDB refused a document that was not sent: ${message}`);
    return { document, code, message, onId: isOnId(keyPattern, message) };
  });
}

/** A command that was too large for a server with smaller limits: one document of it is, or their sum. */
async function insertHalves(
  database: MongodbDatabase,
  collection: string,
  batch: readonly PlacedDocument[],
  error: unknown,
): Promise<InsertFailure[]> {
  const [document] = batch;
  if (document === undefined) return [];
  if (batch.length === 1) {
    const message = error instanceof Error ? error.message : String(error);
    return [{ document, code: codeOf(error), message, onId: undefined }];
  }
  const middle = Math.ceil(batch.length / 2);
  return [
    ...(await insertBatch(database, collection, batch.slice(0, middle))),
    ...(await insertBatch(database, collection, batch.slice(middle))),
  ];
}

function isOnId(
  keyPattern: Readonly<Record<string, unknown>> | undefined,
  message: string,
): boolean | undefined {
  if (keyPattern !== undefined) return Object.keys(keyPattern).join() === '_id';
  return /\bindex: _id_(?: |$)/u.test(message) ? true : undefined;
}
