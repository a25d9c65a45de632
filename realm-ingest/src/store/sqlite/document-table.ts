/**
 * Reading documents and client files from SQLite.
 *
 * @module
 */
import type { ClientFile } from '../store.js';
import type { Database, Row } from './database.js';

/** Size of a page of JSON; a single document may be larger. */
const pageBytes = 512n * 1024n;
const documentsPerPage = 500n;

export const documentOperations = {
  /** The next documents of a collection after a key, in the order of keys; empty at the end. */
  readDocuments(
    database: Database,
    collection: string,
    after: string | undefined,
  ): { key: string; json: string }[] {
    // Sizes first: a page of large documents would take gigabytes.
    const sizes = database.all<{ key: string; bytes: bigint }>(
      `SELECT key, octet_length(document) AS bytes FROM documents
       WHERE collection = ? AND key > ? ORDER BY key LIMIT ?`,
      collection,
      // No key is empty.
      after ?? '',
      documentsPerPage,
    );
    let total = 0n;
    const page = sizes.filter(({ bytes }, index) => (total += bytes) <= pageBytes || index === 0);
    const last = page.at(-1);
    if (last === undefined) return [];
    return database.all(
      `SELECT key, document AS json FROM documents
       WHERE collection = ? AND key > ? AND key <= ? ORDER BY key`,
      collection,
      after ?? '',
      last.key,
    );
  },

  /** Names of the collections, found with one index seek each. */
  listCollections(database: Database): string[] {
    const rows = database.all<{ collection: string }>(
      `WITH RECURSIVE names (collection) AS (
         SELECT min(collection) FROM documents
         UNION ALL
         SELECT (SELECT min(collection) FROM documents WHERE collection > names.collection) FROM names
         WHERE names.collection IS NOT NULL
       )
       SELECT collection FROM names WHERE collection IS NOT NULL`,
    );
    return rows.map(({ collection }) => collection);
  },

  findClientFile(database: Database, ident: bigint): ClientFile | undefined {
    const [file] = database.all<ClientFile & Row>(
      'SELECT ident, salt, userId, clientVersion, serverVersion FROM client_files WHERE ident = ?',
      ident,
    );
    return file;
  },
};
