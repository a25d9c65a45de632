import { RealmTelemetryError } from 'opentelemetry-exporter-realm/wire';
import { LogThrottle } from '../time/log-throttle.js';
import type { Logger } from '../logger.js';
import { SyncError } from './sync-error.js';

/** At most one line of a kind in this time. */
const lineMillis = 60_000;

/**
 * Logs the errors of all connections, at most once a minute for each code and user. Errors that meet all clients at once
 * (a store that fails, no room, a shutdown) are logged at most once a minute for each code. The next line counts those
 * that were not logged.
 */
export class ErrorLog {
  readonly #throttle = new LogThrottle(lineMillis);

  /** Logs an error at its own level. Any other exception is a fault of the server, at level `error`. */
  write(logger: Logger, error: unknown, userId: string, message: string): void {
    const isOurs = RealmTelemetryError.isError(error);
    const code = isOurs ? error.code : 'fault';
    const isGeneral =
      error instanceof SyncError && error.action === 'Transient' && code !== 'client-reported';
    const count = this.#throttle.admit(isGeneral ? code : `${code} ${userId}`);
    if (count === undefined) return;
    logger[isOurs ? error.level : 'error']({ err: error, ...(count > 1 && { count }) }, message);
  }
}
