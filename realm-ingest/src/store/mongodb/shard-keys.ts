/**
 * The shard keys of collections, as far as a user who may read and write one database can find them.
 *
 * @module
 */
import type { MongodbDatabase } from './mongodb-database.js';
import { codeOf } from './mongodb-error.js';

/** Fields with `1` or `'hashed'`, as in MongoDB. */
export type ShardKey = Readonly<Record<string, unknown>>;

/**
 * Whether `_id` is unique in the whole cluster. Each shard has its own index, so equal `_id`s must be on one shard. They are
 * if the key is `_id` alone, ranged or hashed. If other fields follow it, a chunk may end between two documents with the
 * same `_id`.
 *
 * Source: MongoDB's manual, "Shard Keys", "Unique Indexes": "If the _id field is not the shard key or if it is only the
 * prefix to the shard key, the uniqueness constraint only applies to the shard that stores the document."
 */
export function keepsIdsUnique(key: ShardKey): boolean {
  const [first, ...others] = Object.keys(key);
  return first === '_id' && others.length === 0;
}

/**
 * The shard keys of the sharded ones among some collections; `unknown` if we cannot find the key, or whether there is one.
 *
 * It tries three ways, because each needs fewer rights or an older server than the one before: `config.collections`, which
 * needs the right to read it; `$listClusterCatalog` (since 8.0.10), for which access to the own database is enough; and
 * `collStats`, which only says whether a collection is sharded.
 *
 * @throws the driver's error if MongoDB cannot be reached
 */
export async function findShardKeys(
  database: MongodbDatabase,
  names: readonly string[],
): Promise<Map<string, ShardKey | 'unknown'>> {
  return (
    (await ifPermitted(() => readConfiguration(database, names))) ??
    (await ifPermitted(() => readCatalog(database, names))) ??
    (await readStatistics(database, names))
  );
}

async function readConfiguration(
  database: MongodbDatabase,
  names: readonly string[],
): Promise<Map<string, ShardKey>> {
  const prefix = `${database.name}.`;
  const found = database.iterate('find in config.collections', (options) =>
    database.client
      .db('config', { readPreference: 'primary' })
      .collection<{ _id: string; key: ShardKey }>('collections')
      .find({ _id: { $in: names.map((name) => prefix + name) } }, { projection: { key: 1 }, ...options }),
  );
  const keys = new Map<string, ShardKey>();
  for await (const { _id, key } of found) keys.set(_id.slice(prefix.length), key);
  return keys;
}

async function readCatalog(
  database: MongodbDatabase,
  names: readonly string[],
): Promise<Map<string, ShardKey | 'unknown'>> {
  const prefix = `${database.name}.`;
  const keys = new Map<string, ShardKey | 'unknown'>();
  const found = database.iterate('$listClusterCatalog', (options) =>
    database.db.aggregate<{ ns: string; sharded?: boolean; shardKey?: ShardKey }>(
      [{ $listClusterCatalog: {} }],
      options,
    ),
  );
  for await (const { ns, sharded, shardKey } of found) {
    const name = ns.slice(prefix.length);
    if (sharded === true && names.includes(name)) keys.set(name, shardKey ?? 'unknown');
  }
  return keys;
}

async function readStatistics(
  database: MongodbDatabase,
  names: readonly string[],
): Promise<Map<string, 'unknown'>> {
  const keys = new Map<string, 'unknown'>();
  for (const name of names) {
    const statistics = await ifPermitted(() =>
      database.run('read', `collStats of ${name}`, (options) =>
        database.db.command({ collStats: name }, options),
      ),
    );
    if (statistics?.sharded !== false) keys.set(name, 'unknown');
  }
  return keys;
}

/** Undefined if the server refuses the command. */
async function ifPermitted<T>(command: () => Promise<T>): Promise<T | undefined> {
  try {
    return await command();
  } catch (error) {
    if (typeof codeOf(error) !== 'number') throw error;
    return undefined;
  }
}
