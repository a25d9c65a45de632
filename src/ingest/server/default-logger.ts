import { pino } from 'pino';
import { RealmTelemetryError } from '../../errors.js';
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

/** What a line says of an error: of those that we foresaw what happened and why, of others all that there is. */
export function toErrorFields(error: unknown): unknown {
  if (RealmTelemetryError.isError(error)) {
    const { code, message, cause } = error;
    return { code, message, ...(cause !== undefined && { cause: toErrorFields(cause) }) };
  }
  return error instanceof Error ? pino.stdSerializers.err(error) : error;
}
