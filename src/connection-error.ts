import { ExporterError } from './errors.js';

/** The codes of {@link ConnectionError}. */
export type ConnectionErrorCode =
  | 'unsupported-realm'
  | 'login-refused'
  | 'login-failed'
  | 'user-removed'
  | 'open-failed'
  | 'sync-failed'
  | 'write-failed'
  | 'device-full'
  | 'records-expired'
  | 'connection-closed';

/** Something went wrong between a connection and its Realm, App or server. Found in `connection.status.lastError`. */
export class ConnectionError extends ExporterError {
  /** Whether the connection tries again by itself. */
  readonly retryable: boolean;
  /** Realm's own number for the error, if it has one. */
  readonly realmCode: number | undefined;

  constructor(
    code: ConnectionErrorCode,
    particulars: string,
    options: ErrorOptions & { retryable?: boolean } = {},
  ) {
    super(code, particulars, options);
    this.retryable = options.retryable ?? false;
    this.realmCode = readCode(options.cause);
  }
}

/** Makes an `open-failed` error of whatever was thrown when a file or slot was opened. */
export function toOpenError(cause: unknown, prefix = ''): ConnectionError {
  if (cause instanceof ConnectionError) return cause;
  return new ConnectionError('open-failed', `${prefix}${describeCause(cause)}`, { cause, retryable: true });
}

/**
 * The text of whatever was thrown: Realm also rejects with strings and plain objects. Access tokens in it, which sync URLs
 * contain, are removed.
 */
export function describeCause(cause: unknown): string {
  return readMessage(cause).replace(/(baas_at=)[^&\s"']+/g, '$1…');
}

function readMessage(cause: unknown): string {
  if (typeof cause === 'string') return cause;
  if (typeof cause !== 'object' || cause === null) return String(cause);
  for (const key of ['message', 'reason']) {
    const text: unknown = Reflect.get(cause, key);
    if (typeof text === 'string' && text !== '') return text;
  }
  return Object.prototype.toString.call(cause);
}

/** Realm's number for an error, if it has one. */
export function readCode(cause: unknown): number | undefined {
  if (typeof cause !== 'object' || cause === null) return undefined;
  const code: unknown = Reflect.get(cause, 'code');
  return typeof code === 'number' ? code : undefined;
}
