/**
 * Whether collections can hold what they are to hold.
 *
 * @module
 */
import type { CollectionInfo } from 'mongodb';
import type { Logger } from '../../logger.js';
import { StoreError } from '../store-error.js';
import { ownPrefix, type MongodbDatabase } from './mongodb-database.js';
import { codeOf } from './mongodb-error.js';
import { keepsIdsUnique, learnShardKeys, type ShardKey } from './shard-keys.js';

/** Of MongoDB 5.0. */
const oldestWireVersion = 13;

/**
 * Refuses a server that is too old, and collections in which an `_id` is not unique, or from which documents vanish: the
 * telemetry's and our own. What cannot be known is said in a line of the log.
 *
 * @param names - of the telemetry's collections; those that are not there yet are fine
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
    // Not MongoDB's own: the driver has found it good enough.
    if (codeOf(error) !== commandNotFound) throw error;
    return { isMongos: false, maxWireVersion: oldestWireVersion };
  }
}

function findProblem({ type, options }: CollectionInfo): string | undefined {
  if (type !== undefined && type !== 'collection') {
    return `is a ${type}; this takes a plain collection, where _id is unique`;
  }
  if (options?.capped === true) return 'is a capped collection, which forgets what is in it';
  // Only collections that have one list one; the simple one is none.
  if (options?.collation !== undefined) return 'has a collation, under which different _ids can be equal';
  return undefined;
}

async function requireUniqueIds(
  database: MongodbDatabase,
  names: readonly string[],
  logger: Pick<Logger, 'warn'> | undefined,
): Promise<void> {
  const keys = await learnShardKeys(database, names);
  const unknown: string[] = [];
  for (const [name, key] of keys) {
    if (key === 'unknown') {
      unknown.push(name);
    } else if (!keepsIdsUnique(key)) {
      throw incompatible(
        database,
        `${name} is sharded by { ${toText(key)} }; only where the key is _id alone, ranged or hashed, is an _id ` +
          'unique in the whole cluster',
      );
    }
  }
  if (unknown.length === 0) return;
  logger?.warn(
    { collections: unknown },
    'cannot see by which keys collections are sharded; it must be by _id alone. Give the user ' +
      'find on config.collections to have it checked',
  );
}

function toText(key: ShardKey): string {
  return Object.entries(key)
    .map(([field, kind]) => `${field}: ${String(kind)}`)
    .join(', ');
}

/** For what a start cannot get over. */
export function incompatible(database: MongodbDatabase, particulars: string, cause?: unknown): StoreError {
  return new StoreError('store-incompatible', `MongoDB database ${database.name}: ${particulars}`, {
    cause,
    retryable: false,
  });
}
