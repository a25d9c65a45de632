/**
 * What becomes of documents that were refused.
 *
 * Source: design, rule of delivery 4.
 *
 * @module
 */
import type { Document, DocumentValue } from '../document.js';
import { equalDocuments } from '../document-equality.js';
import { documentKey } from '../document-key.js';
import { StoreError } from '../store-error.js';
import type { PlacedDocument, Rejection } from '../store.js';
import { decodeDocument } from './decode-document.js';
import { encodeValue } from './encode-document.js';
import type { InsertFailure } from './insert-documents.js';
import type { MongodbDatabase } from './mongodb-database.js';
import { isDuplicateKeyCode, lastingRefusal } from './mongodb-error.js';

const documentsPerRead = 500;

/**
 * Why documents that were refused can never be stored. Those that are there already, equal, are left out.
 *
 * @throws StoreError where one of them may be stored later
 */
export async function findConflicts(
  database: MongodbDatabase,
  failures: readonly InsertFailure[],
): Promise<Map<PlacedDocument, Rejection>> {
  const conflicts = new Map<PlacedDocument, Rejection>();
  const duplicates: InsertFailure[] = [];
  for (const failure of failures) {
    if (isDuplicateKeyCode(failure.code)) duplicates.push(failure);
    else conflicts.set(failure.document, toLastingRejection(database, failure));
  }
  for (let start = 0; start < duplicates.length; start += documentsPerRead) {
    const page = duplicates.slice(start, start + documentsPerRead);
    for (const collection of new Set(page.map(({ document }) => document.collection))) {
      const members = page.filter(({ document }) => document.collection === collection);
      const stored = await readStored(database, collection, members);
      for (const failure of members) {
        const { document } = failure;
        const rejection = toConflict(failure, stored.get(keyOf(document.document)));
        if (rejection !== undefined) conflicts.set(document, rejection);
      }
    }
  }
  return conflicts;
}

function toLastingRejection(
  database: MongodbDatabase,
  { document, code, message }: InsertFailure,
): Rejection {
  const { place, className, collection } = document;
  const reason = lastingRefusal(code);
  const detail = `${collection}: ${message} (code ${String(code)})`;
  if (reason !== undefined) return { place, className, reason, detail };
  throw new StoreError('store-unavailable', `MongoDB database ${database.name}: ${detail}`, {
    retryable: true,
  });
}

/** The stored documents of these `_id`s, from the primary; undefined for one that is none of ours. */
async function readStored(
  database: MongodbDatabase,
  collection: string,
  failures: readonly InsertFailure[],
): Promise<Map<string, Document | undefined>> {
  const ids = failures.map(({ document }) => encodeValue(idOf(document.document), database.driver.BSON));
  const found = database.db.collection(collection).find({ _id: { $in: ids as never[] } }, { raw: true });
  const stored = new Map<string, Document | undefined>();
  for await (const bytes of found as unknown as AsyncIterable<Uint8Array>) {
    const document = decodeDocument(bytes);
    stored.set(keyOf(document), document);
  }
  return stored;
}

/** Why a document is not the one that is stored; undefined if it is. */
function toConflict(
  { document: { place, className, collection, document }, message, onId }: InsertFailure,
  stored: Document | undefined,
): Rejection | undefined {
  if (stored !== undefined) {
    if (equalDocuments(stored, document)) return undefined;
    const detail = `another document with the _id ${keyOf(document)} is stored in ${collection}`;
    return { place, className, reason: 'id-conflict', detail };
  }
  if (onId === true) {
    throw new StoreError('store-unavailable', `${collection}: a document was deleted while it was compared`, {
      retryable: true,
    });
  }
  return { place, className, reason: 'unique-index', detail: `${collection}: ${message}` };
}

function keyOf(document: Document): string {
  return documentKey(idOf(document));
}

function idOf({ _id: id }: Document): DocumentValue {
  if (id === undefined) throw new TypeError('a document without _id');
  return id;
}
