/**
 * Reading documents and client files from MongoDB.
 *
 * @module
 */
import type { Document } from '../document.js';
import type { ClientFile } from '../store.js';
import { decodeDocument } from './decode-document.js';
import { ownPrefix, type MongodbDatabase } from './mongodb-database.js';

/** Documents of one answer. MongoDB also limits an answer to 16 MiB. */
const documentsPerPage = 500;

/** The documents of a collection in the order of the index on `_id`. */
export async function* readDocuments(
  database: MongodbDatabase,
  collection: string,
): AsyncGenerator<Document> {
  const found = database.iterate(`find in ${collection}`, (options) =>
    database.db
      .collection(collection)
      .find({}, { raw: true, batchSize: documentsPerPage, ...options })
      .sort({ _id: 1 }),
  );
  for await (const bytes of found as unknown as AsyncIterable<Uint8Array>) yield decodeDocument(bytes);
}

/** Names of the collections with documents, without our own, MongoDB's, views and empty ones. */
export async function listCollections(database: MongodbDatabase): Promise<string[]> {
  const names: string[] = [];
  const found = await database.collect('listCollections', (options) =>
    database.db.listCollections({}, { nameOnly: true, ...options }),
  );
  for (const { name, type } of found) {
    if (type !== 'collection' || name.startsWith(ownPrefix) || name.startsWith('system.')) continue;
    const first = await database.run('read', `find in ${name}`, (options) =>
      database.db.collection(name).findOne({}, { projection: { _id: 1 }, ...options }),
    );
    if (first !== null) names.push(name);
  }
  return names.sort();
}

export async function findClientFile(
  database: MongodbDatabase,
  ident: bigint,
): Promise<ClientFile | undefined> {
  const record = await database.run('read', 'find a client file', (options) =>
    database.clientFiles.findOne({ _id: ident }, options),
  );
  if (record === null) return undefined;
  const { salt, userId, clientVersion, serverVersion } = record;
  return { ident, salt, userId, clientVersion, serverVersion };
}
