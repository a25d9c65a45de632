/**
 * The indexes of the telemetry collections.
 *
 * @module
 */
import type { IndexDescription } from 'mongodb';
import type { CollectionNames } from '../collection-names.js';
import type { MongodbDatabase } from './mongodb-database.js';
import { codeOf } from './mongodb-error.js';
import { incompatible } from './usable-collections.js';

export interface TelemetryIndexOptions {
  readonly names: CollectionNames;
  /** Seconds after which a stored document is deleted; undefined: never. */
  readonly retentionSeconds: number | undefined;
  /** Whether every attribute of spans and log records is indexed. */
  readonly indexAttributes: boolean;
}

/** Names of our indexes, which follow their options. Other indexes on the same fields are the user's and stay. */
const retentionIndex = 'realm_ingest_retention';
const attributesIndex = 'realm_ingest_attributes';

/** IndexOptionsConflict, IndexKeySpecsConflict. */
const conflictCodes: readonly unknown[] = [85, 86];
const indexNotFound = 27;
const namespaceNotFound = 26;

interface PresentIndex {
  readonly name?: string;
  readonly key?: Readonly<Record<string, unknown>>;
  readonly expireAfterSeconds?: number | bigint;
}

/**
 * Creates the indexes for queries by trace, by service and time, and optionally by any attribute. Creates, changes or drops
 * the index by which MongoDB deletes old documents. Leaves correct indexes untouched, and also an index of the user's on
 * the same fields, which replaces ours.
 *
 * @throws StoreError `store-incompatible` if another index is in the way
 */
export async function keepTelemetryIndexes(
  database: MongodbDatabase,
  { names, retentionSeconds, indexAttributes }: TelemetryIndexOptions,
): Promise<void> {
  const times = new Map([
    [names.span, 'startTime'],
    [names.logRecord, 'time'],
  ]);
  for (const name of names.all) {
    const time = times.get(name);
    const byQuery: IndexDescription[] =
      time === undefined
        ? []
        : [{ key: { traceId: 1 } }, { key: { 'resource.service.name': 1, [time]: -1 } }];
    const byAttribute = { key: { 'attributes.$**': 1 }, name: attributesIndex };
    const hasAttributes = indexAttributes && time !== undefined;
    try {
      const present = await listIndexes(database, name);
      if (!hasAttributes && present.some((index) => index.name === attributesIndex)) {
        await dropIndex(database, name, attributesIndex);
      }
      const wanted = hasAttributes ? [...byQuery, byAttribute] : byQuery;
      const missing = wanted.filter(({ key }) => !present.some((index) => isOn(index, key)));
      if (missing.length > 0) await createIndexes(database, name, missing);
      await keepRetention(database, name, present, retentionSeconds);
    } catch (error) {
      if (!conflictCodes.includes(codeOf(error))) throw error;
      const message = error instanceof Error ? error.message : String(error);
      throw incompatible(database, `an index of ${name} is in the way: ${message}`, error);
    }
  }
}

async function keepRetention(
  database: MongodbDatabase,
  collection: string,
  present: readonly PresentIndex[],
  seconds: number | undefined,
): Promise<void> {
  const ours = present.find(({ name }) => name === retentionIndex);
  if (seconds === undefined) {
    if (ours !== undefined) await dropIndex(database, collection, retentionIndex);
  } else if (ours === undefined) {
    const key = { 'ingest.receivedAt': 1 } as const;
    const index = { key, name: retentionIndex, expireAfterSeconds: seconds };
    await createIndexes(database, collection, [index]);
  } else if (Number(ours.expireAfterSeconds) !== seconds) {
    const change = {
      collMod: collection,
      index: { name: retentionIndex, expireAfterSeconds: seconds },
    };
    await database.run('scan', `collMod of ${collection}`, (options) => database.db.command(change, options));
  }
}

/** Empty if the collection does not exist yet. */
async function listIndexes(database: MongodbDatabase, collection: string): Promise<PresentIndex[]> {
  try {
    return (await database.collect(`listIndexes of ${collection}`, (options) =>
      database.db.collection(collection).listIndexes(options),
    )) as PresentIndex[];
  } catch (error) {
    if (codeOf(error) !== namespaceNotFound) throw error;
    return [];
  }
}

async function createIndexes(
  database: MongodbDatabase,
  collection: string,
  indexes: IndexDescription[],
): Promise<void> {
  await database.run('build', `indexes of ${collection}`, (options) =>
    database.db.collection(collection).createIndexes(indexes, options),
  );
}

async function dropIndex(database: MongodbDatabase, collection: string, name: string): Promise<void> {
  try {
    await database.run('scan', `dropIndex of ${collection}`, (options) =>
      database.db.collection(collection).dropIndex(name, options),
    );
  } catch (error) {
    // Another process dropped it first.
    if (codeOf(error) !== indexNotFound) throw error;
  }
}

/** Whether an index has exactly these fields in this order. */
function isOn({ key = {} }: PresentIndex, fields: IndexDescription['key']): boolean {
  const wanted = Object.entries(fields);
  const entries = Object.entries(key);
  return (
    entries.length === wanted.length &&
    entries.every(([name, direction], place) => {
      const [field, sign] = wanted[place] ?? [];
      return name === field && Number(direction) === sign;
    })
  );
}
