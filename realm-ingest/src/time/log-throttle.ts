/** Limits log lines to one a kind and interval, and counts the events without a line. */
export class LogThrottle {
  readonly #intervalMillis: number;
  readonly #maxKinds: number;
  readonly #now: () => number;
  /** The oldest line first. */
  readonly #kinds = new Map<string, { lineAt: number; skipped: number }>();

  /**
   * @param intervalMillis - at most one line of a kind in this time
   * @param maxKinds - kinds told apart; all others share one: clients can make kinds up
   * @param now - a clock in milliseconds
   */
  constructor(intervalMillis: number, maxKinds = 1000, now: () => number = () => performance.now()) {
    this.#intervalMillis = intervalMillis;
    this.#maxKinds = maxKinds;
    this.#now = now;
  }

  /** The number of events that a line written now stands for, including this one; undefined: write no line. */
  admit(kind: string): number | undefined {
    const now = this.#now();
    const key = this.#keyOf(kind, now);
    const entry = this.#kinds.get(key);
    if (entry && now - entry.lineAt < this.#intervalMillis) {
      entry.skipped += 1;
      return undefined;
    }
    this.#kinds.delete(key);
    this.#kinds.set(key, { lineAt: now, skipped: 0 });
    return 1 + (entry?.skipped ?? 0);
  }

  #keyOf(kind: string, now: number): string {
    if (this.#kinds.has(kind) || this.#kinds.size < this.#maxKinds) return kind;
    for (const [key, entry] of this.#kinds) {
      if (now - entry.lineAt < this.#intervalMillis) break;
      this.#kinds.delete(key);
    }
    return this.#kinds.size < this.#maxKinds ? kind : '';
  }
}
