/**
 * API keys, revocations and the server's secret in SQLite.
 *
 * @module
 */
import type { ApiKey, StoredSecret } from '../store.js';
import type { Database, Row } from './database.js';

export const accountOperations = {
  createApiKey(database: Database, key: ApiKey): void {
    database.run(
      'INSERT INTO api_keys (id, hash, userName, createdAt, revokedAt) VALUES (?, ?, ?, ?, ?)',
      key.id,
      key.hash,
      key.userName,
      key.createdAt.toISOString(),
      key.revokedAt?.toISOString() ?? null,
    );
  },

  listApiKeys(database: Database): ApiKey[] {
    return database.all<ApiKeyRow>('SELECT * FROM api_keys ORDER BY createdAt, rowid').map(toApiKey);
  },

  findApiKey(
    database: Database,
    by: { readonly hash: Uint8Array } | { readonly id: string },
  ): ApiKey | undefined {
    const [row] =
      'hash' in by
        ? database.all<ApiKeyRow>('SELECT * FROM api_keys WHERE hash = ?', by.hash)
        : database.all<ApiKeyRow>('SELECT * FROM api_keys WHERE id = ?', by.id);
    return row && toApiKey(row);
  },

  /** Returns whether a valid key was revoked. */
  revokeApiKey(database: Database, id: string, at: Date): boolean {
    const sql = 'UPDATE api_keys SET revokedAt = ? WHERE id = ? AND revokedAt IS NULL';
    return database.run(sql, at.toISOString(), id) > 0;
  },

  addRevocation(database: Database, subject: string, at: Date): void {
    database.run(
      'INSERT INTO revocations (subject, revokedAt) VALUES (?, ?) ON CONFLICT DO NOTHING',
      subject,
      at.toISOString(),
    );
  },

  hasRevocation(database: Database, subjects: readonly string[]): boolean {
    return subjects.some(
      (subject) => database.all('SELECT revokedAt FROM revocations WHERE subject = ?', subject).length > 0,
    );
  },

  loadSecret(database: Database): StoredSecret {
    const secret = loadSetting(database, 'secret');
    const fingerprint = loadSetting(database, 'fingerprint');
    return { ...(secret && { secret }), ...(fingerprint && { fingerprint }) };
  },

  /** The first candidate stays. */
  keepSecret(database: Database, candidate: Uint8Array): Uint8Array {
    return database.transaction(() => {
      database.run(
        "INSERT INTO settings (name, value) VALUES ('secret', ?) ON CONFLICT DO NOTHING",
        candidate,
      );
      return loadSetting(database, 'secret') ?? candidate;
    });
  },

  keepFingerprint(database: Database, fingerprint: Uint8Array): void {
    keepSetting(database, 'fingerprint', fingerprint);
  },
};

export function keepSetting(database: Database, name: string, value: Uint8Array): void {
  database.run(
    'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    name,
    value,
  );
}

function loadSetting(database: Database, name: string): Uint8Array | undefined {
  const sql = 'SELECT value FROM settings WHERE name = ?';
  return database.all<{ value: Uint8Array }>(sql, name)[0]?.value;
}

interface ApiKeyRow extends Row {
  readonly id: string;
  readonly hash: Uint8Array;
  readonly userName: string;
  readonly createdAt: string;
  readonly revokedAt: string | null;
}

function toApiKey({ id, hash, userName, createdAt, revokedAt }: ApiKeyRow): ApiKey {
  return {
    id,
    hash,
    userName,
    createdAt: new Date(createdAt),
    ...(revokedAt !== null && { revokedAt: new Date(revokedAt) }),
  };
}
