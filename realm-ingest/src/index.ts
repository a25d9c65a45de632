/**
 * realm-ingest as a library: a Device Sync server for Data Ingest that keeps what it takes in SQLite or MongoDB.
 *
 * @module
 */
export { InvalidOptionError, RealmTelemetryError, type ErrorLevel } from 'opentelemetry-exporter-realm/wire';
export { errorTable, type ErrorCode, type IngestError } from './errors.js';
export { SecretError } from './auth/server-secret.js';
export type { Logger } from './logger.js';
export {
  createIngestServer,
  type IngestCounters,
  type IngestServer,
  type ListeningAddress,
} from './server/ingest-server.js';
export type { IngestServerOptions } from './server/ingest-options.js';
export { ListenError } from './server/listener.js';
export type { TlsOptions } from './server/tls.js';
export { openStore, type OpenStoreOptions } from './store/open-store.js';
export { StoreError } from './store/store-error.js';
export type { Document, DocumentValue } from './store/document.js';
export type { DeadLetterReason, Store, StoreMode } from './store/store.js';
