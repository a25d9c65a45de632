/** Lets one log line a kind of event and interval through, and counts the others. */
export class LogThrottle {
  readonly #intervalMillis: number;
  readonly #maxKinds: number;
  readonly #now: () => number;
  /** The oldest line first. */
  readonly #kinds = new Map<string, { lineAt: number; leftOut: number }>();

  /**
   * @param intervalMillis - at most one line of a kind in this time
   * @param maxKinds - kinds told apart; those beyond share one, for clients may make them up
   * @param now - a clock in milliseconds
   */
  constructor(intervalMillis: number, maxKinds = 1000, now: () => number = () => performance.now()) {
    this.#intervalMillis = intervalMillis;
    this.#maxKinds = maxKinds;
    this.#now = now;
  }

  /** For how many events the line that may be written now stands, this one included; undefined: write none. */
  admit(kind: string): number | undefined {
    const now = this.#now();
    const key = this.#keyOf(kind, now);
    const entry = this.#kinds.get(key);
    if (entry && now - entry.lineAt < this.#intervalMillis) {
      entry.leftOut += 1;
      return undefined;
    }
    this.#kinds.delete(key);
    this.#kinds.set(key, { lineAt: now, leftOut: 0 });
    return 1 + (entry?.leftOut ?? 0);
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
