/**
 * Every error of this package: one base class, one table of codes.
 *
 * @module
 */

/** How loudly the side that meets the error speaks of it. */
export type ErrorLevel = 'debug' | 'info' | 'warn' | 'error';

interface ErrorEntry {
  readonly level: ErrorLevel;
  /** What happened, in words that stand before the particulars of one error. */
  readonly message: string;
}

/**
 * Code, level and message of every error. README lists the same codes; a test holds the two together.
 */
export const errorTable = {
  // exporter
  'invalid-option': { level: 'error', message: 'invalid option' },

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

  // realm-ingest, protocol and changesets
  'message-unknown': { level: 'warn', message: 'unknown sync message' },
  'message-syntax': { level: 'warn', message: 'malformed sync message' },
  'message-too-large': { level: 'error', message: 'sync message above the size limit' },
  'message-compression': { level: 'warn', message: 'sync message does not inflate' },
  'changeset-syntax': { level: 'warn', message: 'malformed changeset' },
  'changeset-instruction': { level: 'warn', message: 'changeset beyond what asymmetric writes make' },

  // realm-ingest, sync
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

  // realm-ingest, stores
  'store-unavailable': { level: 'warn', message: 'the store cannot be used now' },
  'store-full': { level: 'error', message: 'the store has no room left' },
  'store-dead-letters-full': { level: 'error', message: 'there is no room for more dead letters' },
  'store-corrupt': { level: 'error', message: 'the store is damaged' },
  'store-incompatible': { level: 'error', message: 'the store is not of this release' },
  'store-in-use': { level: 'error', message: 'the store is in use' },
  'store-not-found': { level: 'error', message: 'there is no such store' },
  'store-driver-missing': { level: 'error', message: 'the driver of this store is not installed' },
  'store-closed': { level: 'error', message: 'the store is closed' },

  // realm-ingest, authentication, server and command line
  'auth-refused': { level: 'info', message: 'request refused' },
  'secret-unusable': { level: 'error', message: 'the server secret cannot be used' },
  'listen-failed': { level: 'error', message: 'cannot listen' },
  'collection-not-found': { level: 'error', message: 'no such collection' },
  'api-key-not-found': { level: 'error', message: 'no such API key' },
  'dead-letter-not-found': { level: 'error', message: 'no such dead letter' },
} as const satisfies Record<string, ErrorEntry>;

/** A stable code that programs may compare. */
export type ErrorCode = keyof typeof errorTable;

const brand = Symbol.for('opentelemetry-exporter-realm.error');

/**
 * The base of every error that this package throws or reports.
 *
 * `message` is the table's sentence, then the particulars: what was wrong, with what value, what to do.
 */
export class RealmTelemetryError extends Error {
  /** Stable code; see {@link errorTable}. */
  readonly code: ErrorCode;
  /** True on every instance, whichever build of the package made it. */
  readonly [brand] = true;

  constructor(code: ErrorCode, particulars: string, options?: ErrorOptions) {
    super(`${errorTable[code].message}: ${particulars}`, options);
    this.name = new.target.name;
    this.code = code;
  }

  /** The level at which to log this error. */
  get level(): ErrorLevel {
    return errorTable[this.code].level;
  }

  /**
   * Whether a value is one of this package's errors. Use it instead of `instanceof`: the ESM and the CommonJS build
   * may both be loaded in one process, each with classes of its own.
   */
  static isError(value: unknown): value is RealmTelemetryError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/** An option that was given is not usable. */
export class InvalidOptionError extends RealmTelemetryError {
  /** Name of the option, as the user wrote it: `appId`, `--port`. */
  readonly option: string;

  /**
   * @param option - the option's name
   * @param value - the value given; it is quoted in the message, so never pass a secret
   * @param expected - what would have been right, as in "an integer from 0 to 65535"
   */
  constructor(option: string, value: unknown, expected: string) {
    super('invalid-option', `${option} is ${quote(value)}; expected ${expected}`);
    this.option = option;
  }
}

function quote(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}
