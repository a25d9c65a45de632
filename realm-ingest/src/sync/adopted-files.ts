import { LogThrottle } from '../time/log-throttle.js';
import type { FileAdoption } from './sync-observer.js';

/** So many files are remembered, those that came last. */
const maxFiles = 10_000;

/** So many lines may be written in a minute; clients may make files up. */
const lineMillis = 60_000;
const maxLines = 10_000;

/**
 * Which files were told of already. Until its next commit, a file comes back as unknown, or ahead of the store, with each
 * of its connections; it is one file all the same.
 */
export class AdoptedFiles {
  readonly #told = new Set<bigint>();
  readonly #lines = new LogThrottle(lineMillis, maxLines);

  /**
   * Takes note of a file that a client came with.
   *
   * @returns whether it is adopted and was not told of yet
   */
  shouldReport(ident: bigint, adoption: readonly FileAdoption[]): boolean {
    if (adoption.length === 0) {
      this.#told.delete(ident);
      return false;
    }
    if (this.#told.has(ident)) return false;
    this.#told.add(ident);
    for (const oldest of this.#told) {
      if (this.#told.size <= maxFiles) break;
      this.#told.delete(oldest);
    }
    return true;
  }

  /** For how many files the line that may be written of this one now stands; undefined: write none. */
  admitLine(ident: bigint): number | undefined {
    return this.#lines.admit(String(ident));
  }
}
