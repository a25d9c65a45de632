/**
 * Finds out why documents were refused.
 *
 * Source: design, rule of delivery 4.
 *
 * @module
 */
import type { Document, DocumentValue } from '../document.js';
import { equalDocuments } from '../document-equality.js';
import { documentKey } from '../document-key.js';
import { StoreError } from '../store-error.js';
import type { DeadLetterReason, PlacedDocument, Rejection } from '../store.js';
import { decodeDocument } from './decode-document.js';
import { encodeValue } from './encode-document.js';
import type { InsertFailure } from './insert-documents.js';
import type { MongodbDatabase } from './mongodb-database.js';
import { isDuplicateKeyCode, isFull, finalRefusal } from './mongodb-error.js';
import { pages } from './pages.js';

const documentsPerRead = 500;

/**
 * Why refused documents can never be stored. Documents that are already stored, equal, are left out.
 *
 * @throws StoreError if one of them may be stored later
 */
export async function findConflicts(
  database: MongodbDatabase,
  failures: readonly InsertFailure[],
): Promise<Map<PlacedDocument, Rejection>> {
  const conflicts = new Map<PlacedDocument, Rejection>();
  const duplicates: InsertFailure[] = [];
  for (const failure of failures) {
    if (isDuplicateKeyCode(failure.code)) duplicates.push(failure);
    else conflicts.set(failure.document, toFinalRejection(database, failure));
  }
  for (const page of pages(duplicates, documentsPerRead)) {
    for (const collection of new Set(page.map(({ document }) => document.collection))) {
      const members = page.filter(({ document }) => document.collection === collection);
      for (const rejection of await compareWithStored(database, collection, members)) {
        conflicts.set(...rejection);
      }
    }
  }
  return conflicts;
}

function toFinalRejection(database: MongodbDatabase, { document, code, message }: InsertFailure): Rejection {
  const detail = `${document.collection}: ${message} (code ${String(code)})`;
  const reason = finalRefusal(code, message);
  if (reason === undefined) {
    throw retryable(database, detail, isFull(code, message) ? 'store-full' : undefined);
  }
  return toRejection(document, reason, detail);
}

function retryable(
  database: MongodbDatabase,
  particulars: string,
  code: 'store-full' | 'store-unavailable' = 'store-unavailable',
): StoreError {
  return new StoreError(code, `MongoDB database ${database.name}: ${particulars}`, { retryable: true });
}

/**
 * Compares documents of one collection with the stored ones of the same `_id`, on the primary, one at a time: the stored
 * ones may be large.
 */
async function compareWithStored(
  database: MongodbDatabase,
  collection: string,
  failures: readonly InsertFailure[],
): Promise<[PlacedDocument, Rejection][]> {
  const byKey = new Map<string, InsertFailure[]>();
  for (const failure of failures) {
    const key = keyOf(failure.document.document);
    byKey.set(key, [...(byKey.get(key) ?? []), failure]);
  }
  const ids = failures.map(({ document }) => encodeValue(idOf(document.document), database.driver.BSON));
  const found = database.iterate(`find in ${collection}`, (options) =>
    database.db.collection(collection).find({ _id: { $in: ids as never[] } }, { raw: true, ...options }),
  );
  const rejections: [PlacedDocument, Rejection][] = [];
  for await (const bytes of found as unknown as AsyncIterable<Uint8Array>) {
    const stored = decodeDocument(bytes);
    const key = keyOf(stored);
    for (const { document } of byKey.get(key) ?? []) {
      if (!equalDocuments(stored, document.document)) {
        const detail = `another document with the _id ${key} is stored in ${collection}`;
        rejections.push([document, toRejection(document, 'id-conflict', detail)]);
      }
    }
    byKey.delete(key);
  }
  for (const { document, message, onId } of [...byKey.values()].flat()) {
    if (onId === true) {
      throw retryable(database, `${collection}: a document was deleted while it was compared`);
    }
    rejections.push([document, toRejection(document, 'unique-index', `${collection}: ${message}`)]);
  }
  return rejections;
}

function toRejection(
  { place, className }: PlacedDocument,
  reason: DeadLetterReason,
  detail: string,
): Rejection {
  return { place, className, reason, detail };
}

function keyOf(document: Document): string {
  return documentKey(idOf(document));
}

function idOf({ _id: id }: Document): DocumentValue {
  if (id === undefined) throw new TypeError('a document without _id');
  return id;
}
