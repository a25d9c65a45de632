/**
 * The metrics of a server, for Prometheus.
 *
 * Counts are fetched from where they are kept whenever the metrics are read. Labels have a few fixed values only, never
 * names from clients.
 *
 * Source: Prometheus, "Metric and label naming" and "Exposition formats".
 *
 * @module
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { packageVersion } from '../../version.js';
import type { AuthenticatorCounters } from '../../auth/authenticator.js';
import { connectionErrors, sessionErrors } from '../../protocol/wire-codes.js';
import { deadLetterReasons } from '../../store/store.js';
import type { SyncCounters } from '../sync-counters.js';
import type { UploadCounters } from '../../pipeline/upload-pipeline.js';

/** Where the figures come from. */
export interface IngestFigures {
  readonly counters: () => {
    readonly uploads: UploadCounters;
    readonly sync: SyncCounters;
    readonly users: AuthenticatorCounters;
  };
  readonly connections: {
    readonly connectionCount: number;
    readonly sessionCount: number;
    readonly heldBackCount: number;
    readonly inflightBytes: number;
  };
  readonly maxInflightBytes: number;
}

/** Figures by label; absent ones are 0. */
type Figures = Readonly<Partial<Record<string, number>>>;

/** From a fast commit on an SSD to a commit that holds clients back. */
const commitBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20];

/** Error codes of commits that are shown from the start. Other codes appear when they occur. */
const storeFailureCodes = [
  'store-unavailable',
  'store-full',
  'store-dead-letters-full',
  'store-corrupt',
  'store-closed',
];

/** The metrics of one server, in a registry of their own. */
export class IngestMetrics {
  readonly #registry = new Registry();
  readonly #commitSeconds: Histogram;

  constructor(figures: IngestFigures) {
    const { connections, maxInflightBytes } = figures;
    const uploads = (): UploadCounters => figures.counters().uploads;
    const sync = (): SyncCounters => figures.counters().sync;
    const users = (): AuthenticatorCounters => figures.counters().users;

    this.#gauge('build_info', 'The running release; always 1.', () => 1, { version: packageVersion });
    this.#gauge('connections', 'Open sync connections.', () => connections.connectionCount);
    this.#gauge('sessions', 'Sync sessions on open connections.', () => connections.sessionCount);
    this.#gauge(
      'held_back_clients',
      'Sync connections that are not being read, so that their clients wait.',
      () => connections.heldBackCount,
    );
    this.#gauge(
      'inflight_bytes',
      'Bytes of messages between arrival and commit.',
      () => connections.inflightBytes,
    );
    this.#gauge('inflight_max_bytes', 'The budget of --max-inflight-bytes.', () => maxInflightBytes);

    this.#counter('uploads', 'UPLOAD messages with changesets.', () => sync().uploads);
    this.#counter(
      'upload_wire_bytes',
      'Bytes of the bodies of uploads on the wire.',
      () => sync().uploadWireBytes,
    );
    this.#counter('upload_bytes', 'Bytes of the bodies of uploads, inflated.', () => sync().uploadBytes);
    this.#counter('changesets', 'Changesets committed.', () => uploads().changesets);
    this.#counter(
      'acknowledged_changesets',
      'Changesets that were acknowledged to their clients.',
      () => sync().acknowledgedChangesets,
    );
    this.#counters(
      'documents',
      'Documents committed: new ones (stored) and those that the store already had (duplicate).',
      'outcome',
      () => ({
        stored: uploads().documents,
        duplicate: uploads().duplicates,
      }),
    );
    this.#counters('dead_letters', 'Dead letters added, by reason.', 'reason', () => ({
      ...zeros(deadLetterReasons),
      ...uploads().deadLetters,
    }));
    this.#commitSeconds = new Histogram({
      name: 'realm_ingest_commit_duration_seconds',
      help: 'Time that the store took to commit an upload, or a part of a large upload.',
      buckets: commitBuckets,
      registers: [this.#registry],
    });
    this.#counters('store_failures', 'Calls of the store that failed, by error code.', 'code', () => ({
      ...zeros(storeFailureCodes),
      ...uploads().storeFailures,
    }));
    this.#counters(
      'hold_backs',
      'How often clients were held back: the store failed (store), uploads arrived faster than commits (queue), or the in-flight budget was used up (budget).',
      'reason',
      () => ({ ...zeros(['store', 'queue', 'budget']), ...sync().holdBacks }),
    );
    this.#counters('errors_sent', 'Errors sent to clients, by protocol code.', 'code', () => ({
      ...zeros(Object.values({ ...connectionErrors, ...sessionErrors }).map(String)),
      ...sync().errorsSent,
    }));

    this.#counter(
      'adopted_files',
      'Client files that the store did not know and adopted.',
      () => sync().adoptedFiles.unknown ?? 0,
    );
    this.#counter(
      'unverified_files',
      'Adopted client files whose salt is not from this server.',
      () => sync().adoptedFiles.unverified ?? 0,
    );
    this.#counter(
      'files_ahead',
      'Client files with acknowledged records that this store does not hold.',
      () => sync().adoptedFiles.ahead ?? 0,
    );
    this.#counters('logins', 'Log-ins by outcome.', 'outcome', () => ({
      accepted: users().logins,
      refused: users().refusedLogins,
    }));
    this.#counter(
      'unverified_refreshes',
      'Refresh tokens that the secret of this server could not verify.',
      () => users().unverifiedRefreshes,
    );
  }

  /** The `Content-Type` of {@link text}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics now, in Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  observeCommit(seconds: number): void {
    this.#commitSeconds.observe(seconds);
  }

  #gauge(name: string, help: string, figure: () => number, labels: Record<string, string> = {}): void {
    new Gauge({
      name: `realm_ingest_${name}`,
      help,
      labelNames: Object.keys(labels),
      registers: [this.#registry],
      collect() {
        this.set(labels, figure());
      },
    });
  }

  #counter(name: string, help: string, figure: () => number): void {
    new Counter({
      name: `realm_ingest_${name}_total`,
      help,
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(figure());
      },
    });
  }

  #counters(name: string, help: string, label: string, figures: () => Figures): void {
    new Counter({
      name: `realm_ingest_${name}_total`,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [value, figure = 0] of Object.entries(figures())) this.inc({ [label]: value }, figure);
      },
    });
  }
}

/** Zeros from the start, so that the first event shows as an increase. */
function zeros(names: readonly string[]): Figures {
  return Object.fromEntries(names.map((name) => [name, 0]));
}
