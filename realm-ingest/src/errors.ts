/**
 * Every error of this package: one base class, one table of codes.
 *
 * @module
 */
import { RealmTelemetryError, sharedErrors, type ErrorEntry } from 'opentelemetry-exporter-realm/wire';

/** Code, level and message of every error. `docs/errors.md` lists the same codes; a test compares the two. */
export const errorTable = {
  ...sharedErrors,

  // protocol and changesets
  'message-unknown': { level: 'warn', message: 'unknown sync message' },
  'message-syntax': { level: 'warn', message: 'malformed sync message' },
  'message-too-large': { level: 'error', message: 'sync message above the size limit' },
  'message-compression': { level: 'warn', message: 'sync message does not inflate' },
  'changeset-syntax': { level: 'warn', message: 'malformed changeset' },
  'changeset-instruction': { level: 'warn', message: 'changeset beyond what asymmetric writes make' },

  // sync
  'sync-session-ident': { level: 'warn', message: 'message for a session that does not exist' },
  'sync-session-reuse': { level: 'warn', message: 'session ident in use' },
  'sync-message-order': { level: 'warn', message: 'message out of order' },
  'sync-changeset-header': { level: 'warn', message: 'client versions of an upload do not rise' },
  'sync-text-frame': { level: 'warn', message: 'text instead of a binary message' },
  'sync-overload': { level: 'error', message: 'the server has no room for this connection' },
  'sync-shutdown': { level: 'info', message: 'the server shuts down' },
  'sync-internal': { level: 'error', message: 'internal error' },
  'client-file-mismatch': {
    level: 'warn',
    message: 'the client file is of another user, or its salt is wrong',
  },
  'subscription-refused': { level: 'warn', message: 'subscriptions are not served' },
  'client-held-back': { level: 'warn', message: 'uploads are not taken now' },
  'upload-failed': { level: 'error', message: 'uploads cannot be stored' },
  'client-reported': { level: 'warn', message: 'the client could not use what it was sent' },

  // stores
  'store-unavailable': { level: 'warn', message: 'the store cannot be used now' },
  'store-full': { level: 'error', message: 'the store has no room left' },
  'store-dead-letters-full': { level: 'error', message: 'there is no room for more dead letters' },
  'store-corrupt': { level: 'error', message: 'the store is damaged' },
  'store-incompatible': { level: 'error', message: 'the store is not of this release' },
  'store-in-use': { level: 'error', message: 'the store is in use' },
  'store-not-found': { level: 'error', message: 'there is no such store' },
  'store-driver-missing': { level: 'error', message: 'the driver of this store is not installed' },
  'store-closed': { level: 'error', message: 'the store is closed' },

  // authentication, server and command line
  'auth-refused': { level: 'info', message: 'request refused' },
  'secret-unusable': { level: 'error', message: 'the server secret cannot be used' },
  'listen-failed': { level: 'error', message: 'cannot listen' },
  'collection-not-found': { level: 'error', message: 'no such collection' },
  'api-key-not-found': { level: 'error', message: 'no such API key' },
  'dead-letter-not-found': { level: 'error', message: 'no such dead letter' },
} as const satisfies Record<string, ErrorEntry>;

/** A stable code that programs may compare. */
export type ErrorCode = keyof typeof errorTable;

/** The base of this package's own errors. */
export abstract class IngestError extends RealmTelemetryError<ErrorCode> {
  constructor(code: ErrorCode, particulars: string, options?: ErrorOptions) {
    super(code, errorTable[code], particulars, options);
  }
}
