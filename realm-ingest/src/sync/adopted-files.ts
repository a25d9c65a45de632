import { LogThrottle } from '../time/log-throttle.js';
import type { FileAdoption } from './sync-observer.js';

/** How many files are remembered: the latest. */
const maxFiles = 10_000;

/** At most this many lines a minute: clients can make files up. */
const lineMillis = 60_000;
const maxLines = 10_000;

/**
 * Files whose adoption was reported already. Until its next commit, a file is unknown to the store, or ahead of it, at each
 * of its connections. It is reported once.
 */
export class AdoptedFiles {
  readonly #reported = new Set<bigint>();
  readonly #lines = new LogThrottle(lineMillis, maxLines);

  /**
   * Takes note of the file of an IDENT.
   *
   * @returns whether its adoption is to be reported
   */
  shouldReport(ident: bigint, adoption: readonly FileAdoption[]): boolean {
    if (adoption.length === 0) {
      this.#reported.delete(ident);
      return false;
    }
    if (this.#reported.has(ident)) return false;
    this.#reported.add(ident);
    for (const oldest of this.#reported) {
      if (this.#reported.size <= maxFiles) break;
      this.#reported.delete(oldest);
    }
    return true;
  }

  /** The number of files that a log line about this one stands for; undefined: write no line. */
  admitLine(ident: bigint): number | undefined {
    return this.#lines.admit(String(ident));
  }
}
