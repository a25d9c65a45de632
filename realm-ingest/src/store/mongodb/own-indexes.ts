import type { MongodbDatabase } from './mongodb-database.js';

/** Creates the missing indexes of the store's own collections. */
export async function createOwnIndexes(database: MongodbDatabase): Promise<void> {
  const letterIndexes = [
    { key: { sequence: 1 as const } },
    { key: { digest: 1 as const, sizeBytes: 1 as const } },
  ];
  await database.run('scan', 'indexes of the dead letters', (options) =>
    database.deadLetters.createIndexes(letterIndexes, options),
  );
  await database.run('scan', 'the index of the API keys', (options) =>
    database.apiKeys.createIndexes([{ key: { hash: 1 }, unique: true }], options),
  );
}
