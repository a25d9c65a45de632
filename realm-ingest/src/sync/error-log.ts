import { RealmTelemetryError } from 'opentelemetry-exporter-realm/wire';
import { LogThrottle } from '../time/log-throttle.js';
import type { Logger } from '../logger.js';
import { SyncError } from './sync-error.js';

/** At most one line of a kind in this time. */
const lineMillis = 60_000;

/**
 * The errors of all connections in the log: a line a minute for each code and user; for what comes over every client at
 * once (a store that fails, no room, a shutdown) a line a minute for each code. The others are counted in the next.
 */
export class ErrorLog {
  readonly #throttle = new LogThrottle(lineMillis);

  /** Writes an error at its own level; what is none of ours is a fault, and an `error`. */
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
