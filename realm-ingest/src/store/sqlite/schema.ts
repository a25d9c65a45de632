/**
 * The schema of a store, and the migrations between its versions.
 *
 * @module
 */
import { StoreError } from '../store-error.js';
import type { Database } from './database.js';

/** "RLMI": identifies our files to SQLite and to `file`. */
export const applicationId = 0x524c4d49;

const spanTime = `document ->> '$.startTime'`;
const logTime = `coalesce(document ->> '$.time', document ->> '$.observedTime')`;
const serviceName = `document ->> '$.resource.service.name'`;
const traceId = `document ->> '$.traceId'`;

/**
 * Version 1. The indexes use the same expressions as queries: SQLite uses an index on an expression for exactly that
 * expression. The views repeat the conditions of the indexes for the same reason.
 */
const version1 = `
  -- One row a document. "key" is its _id, equal for equal _ids; see document-key.ts.
  CREATE TABLE documents (
    collection TEXT NOT NULL,
    key TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (collection, key)
  ) STRICT;
  CREATE INDEX documents_by_trace ON documents (${traceId}) WHERE ${traceId} IS NOT NULL;
  CREATE INDEX spans_by_time ON documents (collection, ${spanTime}) WHERE collection GLOB '*Span';
  CREATE INDEX spans_by_service_and_time ON documents (collection, ${serviceName}, ${spanTime})
    WHERE collection GLOB '*Span';
  CREATE INDEX logs_by_time ON documents (collection, ${logTime}) WHERE collection GLOB '*LogRecord';
  CREATE INDEX logs_by_service_and_time ON documents (collection, ${serviceName}, ${logTime})
    WHERE collection GLOB '*LogRecord';
  -- What the query planner is to expect, until somebody runs ANALYZE: without it, it reads a whole collection in the
  -- order of time rather than sort the twenty documents of a trace.
  ANALYZE;
  INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('documents', 'sqlite_autoindex_documents_1', '1000000 500000 1'),
    ('documents', 'documents_by_trace', '1000000 20'),
    ('documents', 'spans_by_time', '500000 500000 2'),
    ('documents', 'spans_by_service_and_time', '500000 500000 50000 2'),
    ('documents', 'logs_by_time', '500000 500000 2'),
    ('documents', 'logs_by_service_and_time', '500000 500000 50000 2');

  CREATE TABLE client_files (
    ident INTEGER NOT NULL PRIMARY KEY,
    salt INTEGER NOT NULL,
    userId TEXT NOT NULL,
    clientVersion INTEGER NOT NULL,
    serverVersion INTEGER NOT NULL
  ) STRICT;

  -- Changesets that dead letters came of, by SHA-256, each kept once, in pieces.
  CREATE TABLE changesets (
    digest BLOB NOT NULL PRIMARY KEY,
    sizeBytes INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE changeset_pieces (
    digest BLOB NOT NULL,
    piece INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (digest, piece)
  ) STRICT;
  CREATE TABLE dead_letters (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    appId TEXT NOT NULL,
    userId TEXT NOT NULL,
    fileIdent INTEGER NOT NULL,
    clientVersion INTEGER NOT NULL,
    place INTEGER,
    className TEXT,
    receivedAt TEXT NOT NULL,
    digest BLOB NOT NULL
  ) STRICT;
  CREATE INDEX dead_letters_by_changeset ON dead_letters (digest);
  -- What dead letters take: 1 KiB each, and the bytes of their changesets.
  CREATE TABLE dead_letter_usage (bytes INTEGER NOT NULL) STRICT;
  INSERT INTO dead_letter_usage VALUES (0);
  CREATE TRIGGER dead_letter_added AFTER INSERT ON dead_letters BEGIN
    UPDATE dead_letter_usage SET bytes = bytes + 1024;
  END;
  CREATE TRIGGER dead_letter_deleted AFTER DELETE ON dead_letters BEGIN
    UPDATE dead_letter_usage SET bytes = bytes - 1024;
    DELETE FROM changesets WHERE digest = OLD.digest
      AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE digest = OLD.digest);
  END;
  CREATE TRIGGER changeset_added AFTER INSERT ON changesets BEGIN
    UPDATE dead_letter_usage SET bytes = bytes + NEW.sizeBytes;
  END;
  CREATE TRIGGER changeset_deleted AFTER DELETE ON changesets BEGIN
    UPDATE dead_letter_usage SET bytes = bytes - OLD.sizeBytes;
    DELETE FROM changeset_pieces WHERE digest = OLD.digest;
  END;

  CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    userName TEXT NOT NULL,
    createdAt TEXT NOT NULL,
    revokedAt TEXT
  ) STRICT;
  CREATE TABLE revocations (
    subject TEXT NOT NULL PRIMARY KEY,
    revokedAt TEXT NOT NULL
  ) STRICT;
  -- The server's secret and its fingerprint.
  CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
  ) STRICT;

  ${createViews('')}
`;

/** The step at index n migrates version n to n + 1. Never change a released step. */
const steps: readonly string[] = [version1];

export const schemaVersion = steps.length;

/**
 * The schema version of a file; 0 for an empty file.
 *
 * @throws StoreError for a newer version, and for a file of another program
 */
export function readSchemaVersion(database: Database): number {
  const version = database.pragma('user_version');
  const owner = database.pragma('application_id');
  const isEmpty = owner === 0 && database.all('SELECT name FROM sqlite_schema LIMIT 1').length === 0;
  if (isEmpty) return 0;
  if (owner !== applicationId) {
    throw new StoreError('store-incompatible', `${database.path} is a database of another program`, {
      retryable: false,
    });
  }
  if (version > schemaVersion) {
    throw new StoreError(
      'store-incompatible',
      `${database.path} has schema version ${version}; this release supports up to ${schemaVersion}. Use a newer release`,
      { retryable: false },
    );
  }
  return version;
}

/** Migrates a file to the current version. The caller holds the serve lock. */
export function migrate(database: Database): void {
  const version = readSchemaVersion(database);
  if (version === schemaVersion) return;
  // Both last. auto_vacuum must be set before the first table, WAL outside of a transaction.
  if (version === 0) database.execute('PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL');
  database.transaction(() => {
    for (const step of steps.slice(version)) database.execute(step);
    database.execute(`PRAGMA user_version = ${schemaVersion}; PRAGMA application_id = ${applicationId}`);
  });
}

/** Creates the views of telemetry classes with a prefix, unless they exist. */
export function createPrefixedViews(database: Database, classPrefix: string): void {
  if (classPrefix !== '') database.execute(createViews(classPrefix));
}

function createViews(classPrefix: string): string {
  const view = (className: string, columns: string) => `
    CREATE VIEW IF NOT EXISTS "${(classPrefix + className).replaceAll('"', '""')}" AS
    SELECT document ->> '$._id."$oid"' AS _id, ${columns}, document FROM documents
    WHERE collection = '${(classPrefix + className).replaceAll("'", "''")}' AND collection GLOB '*${className}';
  `;
  const fields = (...names: string[]) =>
    names.map((name) => `document ->> '$.${name}' AS ${name}`).join(', ');
  return (
    view(
      'Span',
      `${fields('traceId', 'spanId', 'parentSpanId', 'name', 'kind', 'startTime', 'endTime', 'durationNano')}, ` +
        `${fields('statusCode', 'statusMessage')}, ${serviceName} AS serviceName`,
    ) +
    // `time` falls back to the time of observation.
    view(
      'LogRecord',
      `${logTime} AS time, ${fields('observedTime', 'severityNumber', 'severityText', 'body', 'eventName')}, ` +
        `${fields('traceId', 'spanId')}, ${serviceName} AS serviceName`,
    )
  );
}
