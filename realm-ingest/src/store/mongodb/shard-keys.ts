/**
 * By which keys collections are sharded, as far as a user who may read and write one database can learn it.
 *
 * @module
 */
import type { MongodbDatabase } from './mongodb-database.js';
import { codeOf } from './mongodb-error.js';

/** Fields with `1` or `'hashed'`, as MongoDB has them. */
export type ShardKey = Readonly<Record<string, unknown>>;

/**
 * Whether an `_id` is unique in the whole cluster. Each shard has an index of its own, so equal `_id`s must always be on
 * one shard: they are where the key is `_id` and nothing else, ranged or hashed. Where other fields come after it, a
 * chunk may end between two documents of one `_id`.
 *
 * Source: MongoDB's manual, "Shard Keys", "Unique Indexes": "If the _id field is not the shard key or if it is only the
 * prefix to the shard key, the uniqueness constraint only applies to the shard that stores the document."
 */
export function keepsIdsUnique(key: ShardKey): boolean {
  const [first, ...others] = Object.keys(key);
  return first === '_id' && others.length === 0;
}

/**
 * The keys of those of some collections that are sharded; `unknown` for one that is, or may be, by a key that nobody
 * tells us. Collections that are not sharded are left out.
 *
 * Three ways, each for those to whom the one before is closed: `config.collections`, which takes the right to read it;
 * `$listClusterCatalog` (8.0.10 and later), for which the own database is enough; `collStats`, which only says that a
 * collection is sharded.
 *
 * @throws the driver's error where MongoDB cannot be reached
 */
export async function learnShardKeys(
  database: MongodbDatabase,
  names: readonly string[],
): Promise<Map<string, ShardKey | 'unknown'>> {
  return (
    (await unlessRefused(() => readConfiguration(database, names))) ??
    (await unlessRefused(() => readCatalog(database, names))) ??
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
    const statistics = await unlessRefused(() =>
      database.run('read', `collStats of ${name}`, (options) =>
        database.db.command({ collStats: name }, options),
      ),
    );
    if (statistics?.sharded !== false) keys.set(name, 'unknown');
  }
  return keys;
}

/** Undefined where the server has answered that it would not. */
async function unlessRefused<T>(question: () => Promise<T>): Promise<T | undefined> {
  try {
    return await question();
  } catch (error) {
    if (typeof codeOf(error) !== 'number') throw error;
    return undefined;
  }
}
