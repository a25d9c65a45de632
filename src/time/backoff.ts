/** Bounds of the time between two attempts. */
export interface BackoffOptions {
  /** The first delay before jitter, in milliseconds. */
  readonly initialMillis: number;
  /** The longest delay before jitter, in milliseconds. */
  readonly maxMillis: number;
  /** A number in [0, 1). */
  readonly random?: () => number;
}

/**
 * Delays that double from attempt to attempt. Each is shortened at random by up to half, so that a fleet that lost its server
 * at once does not come back at once.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  #attempt = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Milliseconds to wait before the next attempt, in (max/2, max] once grown. */
  next(): number {
    const { initialMillis, maxMillis } = this.#options;
    const delay = Math.min(maxMillis, initialMillis * 2 ** Math.min(this.#attempt, 30));
    this.#attempt += 1;
    return this.#jitter(delay);
  }

  /** The longest delay at once, for failures that more attempts will hardly cure. */
  longest(): number {
    return this.#jitter(this.#options.maxMillis);
  }

  /** Starts from the first delay again. */
  reset(): void {
    this.#attempt = 0;
  }

  #jitter(delay: number): number {
    const random = this.#options.random ?? Math.random;
    return delay * (1 - random() / 2);
  }
}
