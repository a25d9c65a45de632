import type { DeliveryEvents } from '../delivery-events.js';
import { Diagnostics } from '../diagnostics.js';
import type { ExporterError } from '../errors.js';
import type { ConnectionStatus, StatusListener } from './connection-status.js';

/** Keeps the status of a connection, tells its listeners, and logs to `diag`. */
export class StatusBoard implements DeliveryEvents {
  readonly #diagnostics = new Diagnostics('opentelemetry-exporter-realm');
  readonly #listeners = new Set<StatusListener>();
  #isAnnounced = false;
  #status: ConnectionStatus = {
    state: 'connecting',
    durable: true,
    spooled: 0,
    unsynced: 0,
    storedBytes: 0,
    acknowledged: 0,
    dropped: {},
    lastError: undefined,
    lastAcknowledgedAt: undefined,
  };

  get status(): ConnectionStatus {
    return this.#status;
  }

  /** @returns a function that removes the listener */
  subscribe(listener: StatusListener): () => void {
    const entry: StatusListener = (status) => {
      listener(status);
    };
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  acknowledged(records: number): void {
    const acknowledged = this.#status.acknowledged + records;
    this.#update({ acknowledged, lastAcknowledgedAt: new Date() });
  }

  dropped(reason: string, records: number): void {
    if (records === 0) return;
    const { dropped } = this.#status;
    this.#update({ dropped: { ...dropped, [reason]: (dropped[reason] ?? 0) + records } });
  }

  failed(error: ExporterError): void {
    this.#update({ lastError: error });
    this.#diagnostics.report(error.level, error.code, error.message);
  }

  /** Updates the values that differ. The state `closed` never changes. */
  change(given: Partial<ConnectionStatus>): void {
    const isClosed = this.#status.state === 'closed';
    const values = isClosed ? { ...given, state: this.#status.state } : given;
    const names = Object.keys(values) as (keyof ConnectionStatus)[];
    if (names.some((name) => values[name] !== this.#status[name])) this.#update(values);
  }

  /** The connection has its own slot. @param isDurable - whether its files outlive the process */
  slotOpened(isDurable: boolean): void {
    this.#update({ durable: isDurable });
    if (isDurable) return;
    this.#diagnostics.report(
      'warn',
      'not-durable',
      'this Realm engine keeps its files in memory: what the server has not acknowledged is lost with the process',
    );
  }

  warn(kind: string, text: string): void {
    this.#diagnostics.report('warn', kind, text);
  }

  /** Logs how many records are left, before the connection closes. */
  logUnacknowledged(): void {
    const { spooled, unsynced, durable } = this.#status;
    const count = spooled + unsynced;
    if (count === 0) return;
    const records = `${count} ${count === 1 ? 'record that no server has acknowledged remains' : 'records that no server has acknowledged remain'}`;
    const [level, fate] = durable
      ? (['info', 'on disk; the next start of this service sends them'] as const)
      : (['warn', 'in memory, and may be lost with this process'] as const);
    this.#diagnostics.report(level, 'remaining', `${records} ${fate}`);
  }

  #update(change: Partial<ConnectionStatus>): void {
    this.#status = { ...this.#status, ...change };
    if (this.#listeners.size === 0 || this.#isAnnounced) return;
    this.#isAnnounced = true;
    queueMicrotask(() => {
      this.#isAnnounced = false;
      this.#announce();
    });
  }

  #announce(): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(this.#status);
      } catch {
        // The app must handle errors of its listener.
      }
    }
  }
}
