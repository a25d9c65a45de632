import { diag } from '@opentelemetry/api';

/** The levels of `diag` that this package speaks at. */
export type DiagnosticLevel = 'error' | 'warn' | 'info' | 'debug';

/** How long one kind of message stays silent after it was logged. */
const QUIET_MILLIS = 60_000;

/** How much of one message is logged, in UTF-16 code units: a span's name or an attribute may be megabytes. */
const MAX_MESSAGE_LENGTH = 2000;

interface KindState {
  loggedAt: number;
  withheld: number;
}

/**
 * Speaks to OpenTelemetry's `diag`, at most once a minute for each kind of message.
 *
 * An app may bridge `diag` to a logger whose records we export: one message an export would then feed itself for ever.
 * What was withheld is counted and told with the kind's next message. Never throws, not even where `diag`'s logger does.
 */
export class Diagnostics {
  readonly #component: string;
  readonly #now: () => number;
  readonly #kinds = new Map<string, KindState>();

  /**
   * @param component - stands before every message, as in `RealmSpanExporter`
   * @param now - a clock in milliseconds that never goes back; tests hand in their own
   */
  constructor(component: string, now: () => number = () => performance.now()) {
    this.#component = component;
    this.#now = now;
  }

  /**
   * Logs a message unless one of its kind was logged within the last minute.
   *
   * @param kind - a stable word from a fixed set: the state of each kind is kept for ever, so never pass data
   */
  report(level: DiagnosticLevel, kind: string, message: string): void {
    const now = this.#now();
    const state = this.#kinds.get(kind);
    if (state !== undefined && now - state.loggedAt < QUIET_MILLIS) {
      state.withheld += 1;
      return;
    }
    const more =
      state === undefined || state.withheld === 0
        ? ''
        : ` (${state.withheld} more of this kind since the last one)`;
    this.#kinds.set(kind, { loggedAt: now, withheld: 0 });
    try {
      diag[level](`${this.#component}: ${message.slice(0, MAX_MESSAGE_LENGTH)}${more}`);
    } catch {
      // The app's own logger failed: nobody is left to tell.
    }
  }
}
