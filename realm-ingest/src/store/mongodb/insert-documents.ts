/**
 * Inserts documents into their collections.
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
 * The size of one command. Encoding this much BSON blocks the event loop for some ten milliseconds. A larger document, of
 * up to 16 MiB, goes alone: a server accepts commands 16 KiB larger than its largest document. No message comes near the
 * 48 MB that a server accepts.
 */
const batchBytes = 2 * 1024 * 1024;
const documentsPerBatch = 5000;

/** A document that the server did not store, and its error. */
export interface InsertFailure {
  readonly document: PlacedDocument;
  readonly code: unknown;
  readonly message: string;
  /** Whether the index on `_id` refused it; undefined if the server does not tell. */
  readonly onId: boolean | undefined;
}

/**
 * Inserts documents under their own `_id`s. Resolves when each of them is journaled on a majority or refused. Documents of
 * one collection go in order: of two with the same `_id`, the first is stored.
 *
 * @throws the driver's error if a whole batch failed, or was not acknowledged by a majority
 */
export async function insertDocuments(
  database: MongodbDatabase,
  documents: readonly PlacedDocument[],
): Promise<InsertFailure[]> {
  const byCollection = new Map<string, PlacedDocument[]>();
  for (const document of documents) {
    const members = byCollection.get(document.collection) ?? [];
    byCollection.set(document.collection, members);
    members.push(document);
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
  // The event loop runs between batches: each waits for the answer to the one before.
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

/** Splits a command that was too large for a server with smaller limits: because of one document, or of their sum. */
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
