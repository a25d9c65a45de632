/**
 * Every error of this package: one base class, one table of codes.
 *
 * @module
 */
import { RealmTelemetryError, sharedErrors, type ErrorEntry } from './wire/telemetry-error.js';

/** Code, level and message of every error. `docs/errors.md` lists the same codes; a test compares the two. */
export const errorTable = {
  ...sharedErrors,

  // model
  'unmappable-record': { level: 'warn', message: 'record cannot be mapped' },

  // exporter, connection
  'unsupported-realm': { level: 'error', message: 'this Realm cannot be used' },
  'login-refused': { level: 'error', message: 'login refused' },
  'login-failed': { level: 'warn', message: 'login failed' },
  'user-removed': { level: 'error', message: 'the user is gone' },
  'open-failed': { level: 'error', message: 'a Realm cannot be opened' },
  'sync-failed': { level: 'warn', message: 'sync error' },
  'write-failed': { level: 'error', message: 'records were not stored' },
  'device-full': { level: 'error', message: 'no room for more records on the device' },
  'records-expired': { level: 'warn', message: 'records were too old to be kept' },
  'connection-closed': { level: 'warn', message: 'the connection is closed' },

  // exporter, exporters
  'export-failed': { level: 'error', message: 'export failed' },
  'exporter-shutdown': { level: 'warn', message: 'the exporter was shut down' },
} as const satisfies Record<string, ErrorEntry>;

/** A stable code that programs may compare. */
export type ErrorCode = keyof typeof errorTable;

/** The base of this package's own errors. */
export abstract class ExporterError extends RealmTelemetryError<ErrorCode> {
  constructor(code: ErrorCode, particulars: string, options?: ErrorOptions) {
    super(code, errorTable[code], particulars, options);
  }
}
