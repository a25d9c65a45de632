import { IngestError } from '../errors.js';

/**
 * The `error_code`s that realm-ingest sends. Clients translate them into their own numbers. Of a code that a client does
 * not know (`AppNotFound`, `NotFound`), the app sees the message only.
 *
 * Source: App Services API, section 6.3.
 */
export type AppServicesErrorCode =
  | 'AppNotFound'
  | 'AuthError'
  | 'AuthProviderNotFound'
  | 'BadRequest'
  | 'FunctionNotFound'
  | 'InternalServerError'
  | 'InvalidParameter'
  | 'InvalidSession'
  | 'MaintenanceInProgress'
  | 'MissingParameter'
  | 'NotFound';

/** A request of the App Services client API was refused. */
export class AuthError extends IngestError {
  /** HTTP status. A device that gets 401 or 403 on a refresh drops its user: only revoked users get them there. */
  readonly status: number;
  readonly errorCode: AppServicesErrorCode;
  /** Text for the client. It never contains a token, a key or another secret that the client sent. */
  readonly reason: string;

  constructor(status: number, errorCode: AppServicesErrorCode, reason: string, options?: ErrorOptions) {
    super('auth-refused', reason, options);
    this.status = status;
    this.errorCode = errorCode;
    this.reason = reason;
  }
}
