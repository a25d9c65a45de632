/**
 * Checks that collections can be used for telemetry.
 *
 * @module
 */
import type { CollectionInfo } from 'mongodb';
import type { Logger } from '../../logger.js';
import { StoreError } from '../store-error.js';
import { ownPrefix, type MongodbDatabase } from './mongodb-database.js';
import { codeOf } from './mongodb-error.js';
import { keepsIdsUnique, findShardKeys, type ShardKey } from './shard-keys.js';

/** MongoDB 5.0. */
const oldestWireVersion = 13;

/**
 * Refuses a server that is too old, and collections (telemetry and our own) in which an `_id` is not unique or from which
 * documents disappear. If it cannot check that, it logs a warning.
 *
 * @param names - the telemetry collections; they need not exist yet
 * @throws StoreError `store-incompatible`
 */
export async function requireUsable(
  database: MongodbDatabase,
  names: readonly string[],
  logger: Pick<Logger, 'warn'> | undefined,
): Promise<void> {
  const server = await askServer(database);
  if (server.maxWireVersion < oldestWireVersion) {
    throw incompatible(database, 'the server is older than MongoDB 5.0');
  }
  const present: string[] = [];
  const found = database.iterate('listCollections', (options) => database.db.listCollections({}, options));
  for await (const info of found) {
    const { name } = info as CollectionInfo;
    if (!names.includes(name) && !name.startsWith(ownPrefix)) continue;
    const problem = findProblem(info);
    if (problem !== undefined) throw incompatible(database, `${name} ${problem}`);
    present.push(name);
  }
  if (server.isMongos) await requireUniqueIds(database, present, logger);
}

async function askServer(
  database: MongodbDatabase,
): Promise<{ readonly isMongos: boolean; readonly maxWireVersion: number }> {
  const commandNotFound = 59;
  try {
    const { msg, maxWireVersion } = await database.run('read', 'hello', (options) =>
      database.db.command({ hello: 1 }, options),
    );
    return { isMongos: msg === 'isdbgrid', maxWireVersion: Number(maxWireVersion ?? oldestWireVersion) };
  } catch (error) {
    // Not a MongoDB server; the driver accepted it.
    if (codeOf(error) !== commandNotFound) throw error;
    return { isMongos: false, maxWireVersion: oldestWireVersion };
  }
}

function findProblem({ type, options }: CollectionInfo): string | undefined {
  if (type !== undefined && type !== 'collection') {
    return `is a ${type}; it must be a plain collection, in which _id is unique`;
  }
  if (options?.capped === true) return 'is a capped collection, which deletes old documents';
  // Listed only if it is not the simple collation.
  if (options?.collation !== undefined) return 'has a collation, which can make different _ids equal';
  return undefined;
}

async function requireUniqueIds(
  database: MongodbDatabase,
  names: readonly string[],
  logger: Pick<Logger, 'warn'> | undefined,
): Promise<void> {
  const keys = await findShardKeys(database, names);
  const unknown: string[] = [];
  for (const [name, key] of keys) {
    if (key === 'unknown') {
      unknown.push(name);
    } else if (!keepsIdsUnique(key)) {
      throw incompatible(
        database,
        `${name} is sharded by { ${toText(key)} }; the shard key must be _id alone, ranged or hashed: with any other ` +
          'key, _id is not unique in the whole cluster',
      );
    }
  }
  if (unknown.length === 0) return;
  logger?.warn(
    { collections: unknown },
    'the shard keys of collections cannot be read; they must be _id alone. To have this checked, grant the user ' +
      'find on config.collections',
  );
}

function toText(key: ShardKey): string {
  return Object.entries(key)
    .map(([field, kind]) => `${field}: ${String(kind)}`)
    .join(', ');
}

/** The error for a database that `serve` cannot use. */
export function incompatible(database: MongodbDatabase, particulars: string, cause?: unknown): StoreError {
  return new StoreError('store-incompatible', `MongoDB database ${database.name}: ${particulars}`, {
    cause,
    retryable: false,
  });
}
