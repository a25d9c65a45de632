/**
 * The telemetry's collections: whether they can hold it, and their indexes.
 *
 * @module
 */
import type { Collection, CollectionInfo } from 'mongodb';
import { StoreError } from '../store-error.js';
import type { MongodbDatabase } from './mongodb-database.js';
import { codeOf } from './mongodb-error.js';

export interface TelemetryIndexOptions {
  readonly classPrefix: string;
  /** Other classes that are stored. */
  readonly classes: readonly string[];
  /** After how many seconds in the store a document is deleted; undefined for never. */
  readonly retentionSeconds: number | undefined;
}

/** Ours by its name: another index on the same field is the user's, and stays. */
const retentionIndex = 'realm_ingest_retention';

/** IndexOptionsConflict, IndexKeySpecsConflict. */
const conflictCodes: readonly unknown[] = [85, 86];

/**
 * Makes the indexes that queries by trace, and by service and time, want; makes, changes or drops the one by which
 * MongoDB deletes what has been stored for long. What is as it should be stays untouched.
 *
 * @throws StoreError `store-incompatible` for a collection that cannot keep the promises, and for an index in the way
 */
export async function prepareTelemetryCollections(
  database: MongodbDatabase,
  { classPrefix, classes, retentionSeconds }: TelemetryIndexOptions,
): Promise<void> {
  const times = new Map([
    [`${classPrefix}Span`, 'startTime'],
    [`${classPrefix}LogRecord`, 'time'],
  ]);
  const names = [...new Set([...times.keys(), ...classes])];
  await requireUsable(database, names);
  for (const name of names) {
    const collection = database.db.collection(name);
    const time = times.get(name);
    try {
      if (time !== undefined) {
        await collection.createIndexes([
          { key: { traceId: 1 } },
          { key: { 'resource.service.name': 1, [time]: -1 } },
        ]);
      }
      await keepRetention(database, collection, retentionSeconds);
    } catch (error) {
      if (!conflictCodes.includes(codeOf(error))) throw error;
      const message = error instanceof Error ? error.message : String(error);
      throw incompatible(database, `an index of ${name} is in the way: ${message}`, error);
    }
  }
}

async function keepRetention(
  database: MongodbDatabase,
  collection: Collection,
  seconds: number | undefined,
): Promise<void> {
  const present = await findRetention(collection);
  if (seconds === present) return;
  if (seconds === undefined) {
    await collection.dropIndex(retentionIndex);
  } else if (present === undefined) {
    const key = { 'ingest.receivedAt': 1 } as const;
    await collection.createIndexes([{ key, name: retentionIndex, expireAfterSeconds: seconds }]);
  } else {
    await database.db.command({
      collMod: collection.collectionName,
      index: { name: retentionIndex, expireAfterSeconds: seconds },
    });
  }
}

/** Seconds of the index that is there; undefined if there is none. */
async function findRetention(collection: Collection): Promise<number | undefined> {
  try {
    for await (const index of collection.listIndexes()) {
      const { name, expireAfterSeconds } = index as { name?: string; expireAfterSeconds?: number | bigint };
      if (name === retentionIndex) return Number(expireAfterSeconds);
    }
  } catch (error) {
    const namespaceNotFound = 26;
    if (codeOf(error) !== namespaceNotFound) throw error;
  }
  return undefined;
}

/** Refuses collections in which an `_id` is not unique, or from which documents vanish. */
async function requireUsable(database: MongodbDatabase, names: readonly string[]): Promise<void> {
  for await (const info of database.db.listCollections({ name: { $in: [...names] } })) {
    const { name, type, options } = info as CollectionInfo;
    if (type !== undefined && type !== 'collection') {
      throw incompatible(
        database,
        `${name} is a ${type}; telemetry needs a plain collection, where _id is unique`,
      );
    }
    if (options?.capped === true) {
      throw incompatible(database, `${name} is a capped collection, which forgets what is in it`);
    }
  }
}

function incompatible(database: MongodbDatabase, particulars: string, cause?: unknown): StoreError {
  return new StoreError('store-incompatible', `MongoDB database ${database.name}: ${particulars}`, {
    cause,
    retryable: false,
  });
}
