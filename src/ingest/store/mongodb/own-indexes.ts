import type { MongodbDatabase } from './mongodb-database.js';

/** Makes the indexes of the store's own collections; those that are there stay. */
export async function createOwnIndexes(database: MongodbDatabase): Promise<void> {
  await database.deadLetters.createIndexes([{ key: { sequence: 1 } }, { key: { digest: 1, sizeBytes: 1 } }]);
  await database.apiKeys.createIndexes([{ key: { hash: 1 }, unique: true }]);
}
