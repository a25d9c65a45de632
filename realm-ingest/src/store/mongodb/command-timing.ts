/**
 * How long commands may take.
 *
 * @module
 */

/** Milliseconds. */
export interface CommandTiming {
  /**
   * A read, or one step of a cursor. Within it the driver waits up to 10 s for a primary, and then a find by index takes
   * milliseconds.
   */
  readonly readMillis: number;
  /** A write. The server itself waits up to 20 s for a majority (`majorityTimeoutMillis`), and its answer is the better one. */
  readonly writeMillis: number;
  /** What reads a whole collection, or prepares one: as long as a socket may be silent (`socketTimeoutMS`). */
  readonly scanMillis: number;
  /**
   * The making of the telemetry's indexes. On a large collection it takes hours, and a second command for the same index
   * would wait for the first, so nothing but the answer tells a slow build from one that was never asked for. After a day
   * it counts as lost.
   */
  readonly buildMillis: number;
  /**
   * What commands that were under way when connections were lost still have once a server that takes writes is known
   * again. The driver repeats some of them by itself. Others were sent on connections that still stand, and a write may
   * wait for its majority: one that takes longer is repeated, which does no harm.
   */
  readonly graceMillis: number;
  /** How long a client may fail without a single answer of the server before another one is tried, and how often. */
  readonly renewalMillis: number;
}

/** A kind of command, by what it may take. */
export type CommandKind = 'read' | 'write' | 'scan' | 'build';

export const defaultTiming: CommandTiming = {
  readMillis: 20_000,
  writeMillis: 30_000,
  scanMillis: 60_000,
  buildMillis: 24 * 3600 * 1000,
  graceMillis: 3000,
  renewalMillis: 30_000,
};
