import { SyncError } from './sync-error.js';
import type { SyncLimits } from './sync-limits.js';
import type { HoldBackReason, SyncObserver } from './sync-observer.js';

export interface HoldBackOptions {
  /** The session that is held back. */
  readonly session: { fail(error: SyncError): void };
  /** Its connection, which stops reading. */
  readonly connection: { pause(reason: unknown): void; resume(reason: unknown): void };
  readonly limits: Pick<SyncLimits, 'holdBackMillis' | 'maxUnreadMillis'>;
  readonly observer: Pick<SyncObserver, 'heldBack'>;
}

/**
 * Back-pressure of one session: its connection is not read while there is a reason. After `holdBackMillis` without
 * progress, or `maxUnreadMillis` with progress, the session fails with `client-held-back`. Design, delivery 11.
 */
export class HoldBack {
  readonly #options: HoldBackOptions;
  readonly #reasons = new Set<HoldBackReason>();
  #timer: NodeJS.Timeout | undefined;
  #beganAt = 0;
  /** The last error of the store. */
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
    this.#start(this.#options.limits.holdBackMillis);
    this.#options.observer.heldBack?.(reason);
    this.#options.connection.pause(this);
  }

  /** A part of what the session waits for is done: the session gets more time. */
  progress(): void {
    if (this.#timer === undefined) return;
    const { holdBackMillis, maxUnreadMillis } = this.#options.limits;
    const leftMillis = this.#beganAt + maxUnreadMillis - performance.now();
    this.#start(Math.max(0, Math.min(holdBackMillis, leftMillis)));
  }

  end(reason: HoldBackReason): void {
    if (reason === 'store') this.#cause = undefined;
    if (this.#reasons.delete(reason) && this.#reasons.size === 0) this.#stop();
  }

  /** Ends it for good: the session is over. */
  cancel(): void {
    this.#cancelled = true;
    this.#reasons.clear();
    this.#stop();
  }

  #start(millis: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#expire();
    }, millis);
  }

  #expire(): void {
    this.cancel();
    const particulars = `no progress within ${this.#options.limits.holdBackMillis} ms`;
    this.#options.session.fail(new SyncError('client-held-back', particulars, { cause: this.#cause }));
  }

  #stop(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#options.connection.resume(this);
  }
}
