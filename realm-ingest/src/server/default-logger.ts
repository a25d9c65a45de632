import { pino } from 'pino';
import { RealmTelemetryError } from 'opentelemetry-exporter-realm/wire';
import type { Logger } from '../logger.js';

/** Levels of the default logger, quietest first. */
export const logLevels = ['silent', 'error', 'warn', 'info', 'debug'] as const;

export type LogLevel = (typeof logLevels)[number];

/** Structured lines, JSON, on stderr: stdout belongs to what a command prints. */
export function createDefaultLogger(level: LogLevel): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: toErrorFields },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}

/**
 * The fields of an error in a log line: what happened and why; the stack only of errors that are not foreseen. All other
 * properties are omitted: a driver's error carries everything that it knows of its servers.
 */
export function toErrorFields(error: unknown, isForeseen = false): unknown {
  if (!(error instanceof Error)) return error;
  const { message, cause, stack } = error;
  const causeOf = (wasForeseen: boolean): object =>
    cause === undefined ? {} : { cause: toErrorFields(cause, wasForeseen) };
  if (RealmTelemetryError.isError(error)) {
    return { code: error.code, message, ...causeOf(error.level !== 'error') };
  }
  const code = 'code' in error ? { code: error.code } : {};
  const where = isForeseen ? {} : { stack };
  return { type: error.name, ...code, message, ...where, ...causeOf(isForeseen) };
}
