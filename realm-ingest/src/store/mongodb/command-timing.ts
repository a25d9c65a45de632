/**
 * Time limits of commands.
 *
 * @module
 */

/** Milliseconds. */
export interface CommandTiming {
  /**
   * A read, or one step of a cursor. The driver waits up to 10 s for a primary, and then a find by index takes
   * milliseconds.
   */
  readonly readMillis: number;
  /** A write. Longer than the server waits for a majority (`majorityTimeoutMillis`), because its answer says more. */
  readonly writeMillis: number;
  /** A command that reads or prepares a whole collection: the time that a socket may be silent (`socketTimeoutMS`). */
  readonly scanMillis: number;
  /**
   * A build of telemetry indexes. On a large collection it takes hours. A second command for the same index would wait for
   * the first, so only the answer tells a slow build from a lost one. After a day it counts as lost.
   */
  readonly buildMillis: number;
  /**
   * The grace period, from the return of a writable server, for commands that were running when connections were lost. The
   * driver repeats some of them. Others were sent on connections that still stand, and a write may wait for its majority:
   * if it takes longer, the caller repeats it, which is harmless.
   */
  readonly graceMillis: number;
  /** After how long without any answer of the server a new client is tried; also the pause between such trials. */
  readonly renewalMillis: number;
}

/** A kind of command, by its time limit. */
export type CommandKind = 'read' | 'write' | 'scan' | 'build';

export const defaultTiming: CommandTiming = {
  readMillis: 20_000,
  writeMillis: 30_000,
  scanMillis: 60_000,
  buildMillis: 24 * 3600 * 1000,
  graceMillis: 3000,
  renewalMillis: 30_000,
};
