import { pino } from 'pino';
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
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
