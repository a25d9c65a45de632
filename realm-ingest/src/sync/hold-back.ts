import type { HoldBackReason } from './sync-observer.js';

/** How a connection is told that a session's messages are not to be read for a while. */
export interface HoldBackOptions {
  /** How long a session may be held back without progress before it is sent away, in milliseconds. */
  readonly maxMillis: number;
  /** How long with progress. */
  readonly maxTotalMillis: number;
  /** @param reason - the first of what may become several */
  pause(reason: HoldBackReason): void;
  resume(): void;
  /** The time has passed. `cause` is the store's last error, if it gave one. */
  expired(cause: unknown): void;
}

/** Back-pressure of one session: reading stops while there is a reason, for a bounded time; design, delivery 11. */
export class HoldBack {
  readonly #options: HoldBackOptions;
  readonly #reasons = new Set<HoldBackReason>();
  #timer: NodeJS.Timeout | undefined;
  #beganAt = 0;
  #cause: unknown;
  #cancelled = false;

  constructor(options: HoldBackOptions) {
    this.#options = options;
  }

  begin(reason: HoldBackReason, cause?: unknown): void {
    if (this.#cancelled) return;
    if (cause !== undefined) this.#cause = cause;
    this.#reasons.add(reason);
    if (this.#timer !== undefined) return;
    this.#beganAt = performance.now();
    this.#start(this.#options.maxMillis);
    this.#options.pause(reason);
  }

  /** A part of what the session waits for is done: it is given more time. */
  progress(): void {
    if (this.#timer === undefined) return;
    const { maxMillis, maxTotalMillis } = this.#options;
    const leftMillis = this.#beganAt + maxTotalMillis - performance.now();
    this.#start(Math.max(0, Math.min(maxMillis, leftMillis)));
  }

  end(reason: HoldBackReason): void {
    if (reason === 'store') this.#cause = undefined;
    if (this.#reasons.delete(reason) && this.#reasons.size === 0) this.#stop();
  }

  /** Ends it for good; the session is over. */
  cancel(): void {
    this.#cancelled = true;
    this.#reasons.clear();
    this.#stop();
  }

  #start(millis: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.cancel();
      this.#options.expired(this.#cause);
    }, millis);
  }

  #stop(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#options.resume();
  }
}
