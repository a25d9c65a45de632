import { diag } from '@opentelemetry/api';

/** The levels of `diag` that this package uses. */
export type DiagnosticLevel = 'error' | 'warn' | 'info' | 'debug';

/** The shortest time between two messages of one kind. */
const QUIET_MILLIS = 60_000;

/** Longer messages are cut, in UTF-16 code units: a span's name or an attribute may be megabytes. */
const MAX_MESSAGE_LENGTH = 2000;

interface KindState {
  loggedAt: number;
  withheld: number;
}

/**
 * Logs to OpenTelemetry's `diag`, at most once a minute for each kind of message.
 *
 * An app may bridge `diag` to a logger whose records we export: one message for each export would then cause the next
 * export, without end. Messages that were not logged are counted in the next message of their kind. Never throws, even if
 * the logger of `diag` does.
 */
export class Diagnostics {
  readonly #component: string;
  readonly #now: () => number;
  readonly #kinds = new Map<string, KindState>();

  /**
   * @param component - prefix of every message, such as `RealmSpanExporter`
   * @param now - a clock in milliseconds that never goes back, for tests
   */
  constructor(component: string, now: () => number = () => performance.now()) {
    this.#component = component;
    this.#now = now;
  }

  /**
   * Logs a message unless one of its kind was logged within the last minute.
   *
   * @param kind - a word from a fixed set, never data: the state of each kind is kept in memory
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
      // The app's own logger failed, so the failure cannot be logged.
    }
  }
}
