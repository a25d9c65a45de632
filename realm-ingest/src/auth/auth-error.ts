import { IngestError } from '../errors.js';

/**
 * The `error_code`s that realm-ingest sends. Clients translate them into numbers of their own; a name that they do
 * not know (`AppNotFound`, `NotFound`) reaches the app as its message alone.
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
  /** HTTP status. 401 and 403 on a refresh cost the device its user: only a revoked one gets them there. */
  readonly status: number;
  readonly errorCode: AppServicesErrorCode;
  /** What the client is told: never holds a token, a key, or anything else that it sent in secret. */
  readonly reason: string;

  constructor(status: number, errorCode: AppServicesErrorCode, reason: string, options?: ErrorOptions) {
    super('auth-refused', reason, options);
    this.status = status;
    this.errorCode = errorCode;
    this.reason = reason;
  }
}
