import type { MongodbDatabase } from './mongodb-database.js';

/** Makes the indexes of the store's own collections; those that are there stay. */
export async function createOwnIndexes(database: MongodbDatabase): Promise<void> {
  const ofLetters = [
    { key: { sequence: 1 as const } },
    { key: { digest: 1 as const, sizeBytes: 1 as const } },
  ];
  await database.run('scan', 'indexes of the dead letters', (options) =>
    database.deadLetters.createIndexes(ofLetters, options),
  );
  await database.run('scan', 'the index of the API keys', (options) =>
    database.apiKeys.createIndexes([{ key: { hash: 1 }, unique: true }], options),
  );
}
