/**
 * OpenTelemetry exporters that write spans and log records as asymmetric Realm objects.
 *
 * @packageDocumentation
 */
export { type ErrorCode, type ExporterError } from './errors.js';
export {
  connect,
  type AppConnectOptions,
  type AppIdConnectOptions,
  type CommonConnectOptions,
  type ConnectOptions,
  type CredentialsOption,
  type UserConnectOptions,
} from './delivery/connect.js';
export { type Connection } from './delivery/connection.js';
export { ConnectionError, type ConnectionErrorCode } from './connection-error.js';
export {
  type ConnectionState,
  type ConnectionStatus,
  type StatusListener,
} from './delivery/connection-status.js';
export { ExportError } from './exporter/export-error.js';
export { type ExportResult } from './exporter/export-result.js';
export {
  type ConnectionExporterOptions,
  type Layout,
  type RealmExporterOptions,
  type RealmExporterSettings,
  type RealmInstanceExporterOptions,
} from './exporter/exporter-options.js';
export { RealmLogRecordExporter } from './exporter/realm-log-record-exporter.js';
export { RealmSpanExporter } from './exporter/realm-span-exporter.js';
export { type RealmConstructor, type RealmLike } from './realm/realm-types.js';
export { type ReadableLogRecordLike } from './model/readable-log-record.js';
export { type ReadableSpanLike } from './model/readable-span.js';
export { schemasFor, type RecordSchema } from './wire/schema.js';
export { InvalidOptionError, RealmTelemetryError, type ErrorLevel } from './wire/telemetry-error.js';
