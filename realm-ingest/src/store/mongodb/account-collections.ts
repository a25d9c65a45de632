/**
 * API keys, revocations and the server's secret in MongoDB.
 *
 * @module
 */
import type { Filter } from 'mongodb';
import type { ApiKey, StoredSecret } from '../store.js';
import { insertUnlessPresent } from './insert-command.js';
import { bytesOf, type ApiKeyRecord, type MongodbDatabase } from './mongodb-database.js';

export async function createApiKey(database: MongodbDatabase, key: ApiKey): Promise<void> {
  const { id, hash, userName, createdAt, revokedAt } = key;
  const record: ApiKeyRecord = {
    _id: id,
    hash: database.binary(hash),
    userName,
    createdAt,
    ...(revokedAt && { revokedAt }),
  };
  await database.run('write', 'insert of an API key', (options) =>
    database.apiKeys.insertOne(record, options),
  );
}

export async function listApiKeys(database: MongodbDatabase): Promise<ApiKey[]> {
  const records = await database.collect('find API keys', (options) =>
    database.apiKeys.find({}, options).sort({ createdAt: 1, _id: 1 }),
  );
  return records.map(toApiKey);
}

export async function findApiKey(
  database: MongodbDatabase,
  by: { readonly hash: Uint8Array } | { readonly id: string },
): Promise<ApiKey | undefined> {
  const filter: Filter<ApiKeyRecord> = 'hash' in by ? { hash: database.binary(by.hash) } : { _id: by.id };
  const record = await database.run('read', 'find an API key', (options) =>
    database.apiKeys.findOne(filter, options),
  );
  return record === null ? undefined : toApiKey(record);
}

/** Returns whether a valid key was revoked. */
export async function revokeApiKey(database: MongodbDatabase, id: string, at: Date): Promise<boolean> {
  const { modifiedCount } = await database.run('write', 'update of an API key', (options) =>
    database.apiKeys.updateOne(
      { _id: id, revokedAt: { $exists: false } },
      { $set: { revokedAt: at } },
      options,
    ),
  );
  return modifiedCount > 0;
}

export async function addRevocation(database: MongodbDatabase, subject: string, at: Date): Promise<void> {
  const { collectionName } = database.revocations;
  await insertUnlessPresent(database, collectionName, { _id: subject, revokedAt: at });
}

export async function hasRevocation(
  database: MongodbDatabase,
  subjects: readonly string[],
): Promise<boolean> {
  if (subjects.length === 0) return false;
  const record = await database.run('read', 'find a revocation', (options) =>
    database.revocations.findOne({ _id: { $in: [...subjects] } }, options),
  );
  return record !== null;
}

export async function loadSecret(database: MongodbDatabase): Promise<StoredSecret> {
  const secret = await loadSetting(database, 'secret');
  const fingerprint = await loadSetting(database, 'fingerprint');
  return { ...(secret && { secret }), ...(fingerprint && { fingerprint }) };
}

/** The first candidate stays, from whichever process. */
export async function keepSecret(database: MongodbDatabase, candidate: Uint8Array): Promise<Uint8Array> {
  const record = { _id: 'secret', value: database.binary(candidate) };
  await insertUnlessPresent(database, database.settings.collectionName, record);
  const kept = await loadSetting(database, 'secret');
  if (kept === undefined) throw new Error('the secret was deleted while it was being made');
  return kept;
}

export async function keepFingerprint(database: MongodbDatabase, fingerprint: Uint8Array): Promise<void> {
  await database.run('write', 'update of the fingerprint', (options) =>
    database.settings.replaceOne(
      { _id: 'fingerprint' },
      { value: database.binary(fingerprint) },
      { upsert: true, ...options },
    ),
  );
}

async function loadSetting(database: MongodbDatabase, name: string): Promise<Uint8Array | undefined> {
  const record = await database.run('read', `find the ${name}`, (options) =>
    database.settings.findOne({ _id: name }, options),
  );
  return record === null ? undefined : bytesOf(record.value);
}

function toApiKey({ _id: id, hash, userName, createdAt, revokedAt }: ApiKeyRecord): ApiKey {
  return { id, hash: bytesOf(hash), userName, createdAt, ...(revokedAt && { revokedAt }) };
}
