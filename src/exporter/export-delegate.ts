import type { MeterProvider } from '@opentelemetry/api';
import type { ResourceLike } from '../model/readable-span.js';
import type { RealmRecord } from '../model/realm-record.js';
import { AsyncResources } from './async-resources.js';
import { settledWithin } from '../time/bounded-wait.js';
import { describeCause } from '../connection-error.js';
import { Diagnostics } from '../diagnostics.js';
import { ExportError } from './export-error.js';
import { ExportResultCode, type ExportResult } from './export-result.js';
import { ExporterMetrics, type ExportOutcome, type Signal } from './exporter-metrics.js';
import type { RecordTarget } from '../delivery/record-target.js';
import { withoutTracing } from '../suppression.js';
import { nextTurn } from '../time/next-turn.js';

/** Bound of an export's wait for the asynchronous attributes of a resource. */
const MAX_RESOURCE_WAIT_MILLIS = 5000;

/** How long mapping runs before it yields to the event loop. */
const MAX_SLICE_MILLIS = 4;

/** What differs between the exporters. */
export interface ExportDelegateOptions<Item> {
  /** The exporter's class: its name in diagnostics and in its metrics. */
  readonly component: string;
  readonly signal: Signal;
  /** Where the records are written. */
  readonly target: RecordTarget;
  /** Maps one span or log record. @throws if it cannot be mapped */
  readonly toRecord: (item: Item) => RealmRecord;
  /** Bound of `forceFlush` and of `shutdown`, in milliseconds. */
  readonly timeoutMillis: number;
  /** Receives the exporter's own metrics. Default: none, and nothing is measured. */
  readonly meterProvider?: MeterProvider | undefined;
}

/**
 * The common part of both exporters: maps in slices, reports each result exactly once, bounds every wait.
 *
 * No method throws, and no promise of it ever rejects.
 */
export class ExportDelegate<Item extends { readonly resource: ResourceLike }> {
  readonly #target: RecordTarget;
  readonly #toRecord: (item: Item) => RealmRecord;
  readonly #timeoutMillis: number;
  readonly #diagnostics: Diagnostics;
  readonly #metrics: ExporterMetrics | undefined;
  readonly #resources = new AsyncResources();
  readonly #running = new Set<Promise<void>>();
  /** Exports are mapped one after another, so that records are stored in the order of the calls. */
  #mapping: Promise<unknown> = Promise.resolve();
  #shutdown: Promise<void> | undefined;

  constructor(options: ExportDelegateOptions<Item>) {
    this.#target = options.target;
    this.#toRecord = options.toRecord;
    this.#timeoutMillis = options.timeoutMillis;
    const { component, signal, meterProvider } = options;
    this.#diagnostics = new Diagnostics(component);
    this.#metrics = meterProvider && ExporterMetrics.of(component, signal, meterProvider, this.#diagnostics);
    this.#target.retain();
  }

  /** Stores the items and then calls back once. Calls may overlap. */
  export(items: readonly Item[], resultCallback: (result: ExportResult) => void): void {
    if (items.length === 0) {
      this.#report(resultCallback, this.#shutdown === undefined ? undefined : shutdownError(0));
      return;
    }
    const ended = this.#metrics?.start(items.length);
    if (this.#shutdown !== undefined) {
      const error = shutdownError(items.length);
      this.#target.countDropped(error.code, items.length);
      ended?.({ unmappable: 0, failed: items.length, error });
      this.#report(resultCallback, error);
      return;
    }
    const running = this.#store(items).then((outcome) => {
      this.#running.delete(running);
      ended?.(outcome);
      this.#report(resultCallback, outcome.error);
    });
    this.#running.add(running);
  }

  /** Waits, within the bound, until all records exported so far are committed locally or given up. */
  async forceFlush(): Promise<void> {
    await this.#settled(this.#timeoutMillis);
  }

  /** Flushes, then releases the target, all within one bound. Later calls return the promise of the first. */
  shutdown(): Promise<void> {
    this.#shutdown ??= this.#release();
    return this.#shutdown;
  }

  async #release(): Promise<void> {
    const deadline = performance.now() + this.#timeoutMillis;
    await this.#settled(this.#timeoutMillis);
    const remainingMillis = Math.max(0, deadline - performance.now());
    const released = withoutTracing(async () => {
      await this.#target.release(remainingMillis);
    });
    await settledWithin(released, remainingMillis);
  }

  async #settled(timeoutMillis: number): Promise<void> {
    if (this.#running.size === 0) return;
    if (await settledWithin(Promise.all(this.#running), timeoutMillis)) return;
    this.#diagnostics.report(
      'warn',
      'flush-timeout',
      `records were not committed within ${timeoutMillis} ms`,
    );
  }

  /** Never rejects. */
  async #store(items: readonly Item[]): Promise<ExportOutcome> {
    let unmappable = 0;
    try {
      await this.#waitForResources(items);
      const mapped = this.#mapping.then(() => this.#map(items));
      this.#mapping = mapped.catch(() => undefined);
      const records = await mapped;
      unmappable = items.length - records.length;
      if (records.length === 0) return { unmappable, failed: 0 };
      // Not logged here: the processor passes the error to OpenTelemetry's error handler, and the target has counted it.
      return { unmappable, ...(await withoutTracing(() => this.#target.write(records))) };
    } catch (cause) {
      // The target's contract excludes this. If it happens all the same, the app must not notice.
      const failed = items.length - unmappable;
      const error = new ExportError('export-failed', failed, describeCause(cause), { cause });
      this.#target.countDropped(error.code, failed);
      this.#diagnostics.report('error', error.code, error.message);
      return { unmappable, failed, error };
    }
  }

  async #waitForResources(items: readonly Item[]): Promise<void> {
    const pending = this.#resources.pending(items);
    if (pending.length === 0) return;
    // A shutdown needs the other half of the bound to store the records that waited.
    const timeoutMillis = Math.min(MAX_RESOURCE_WAIT_MILLIS, this.#timeoutMillis / 2);
    if (await withoutTracing(() => this.#resources.wait(pending, timeoutMillis))) return;
    const message = `a resource's asynchronous attributes failed or took longer than ${timeoutMillis} ms; exporting without them`;
    this.#diagnostics.report('warn', 'resource', message);
  }

  /** Maps the items that can be mapped and counts the others. */
  async #map(items: readonly Item[]): Promise<RealmRecord[]> {
    const records: RealmRecord[] = [];
    let dropped = 0;
    let reason: unknown;
    let sliceEnd = performance.now() + MAX_SLICE_MILLIS;
    for (const item of items) {
      if (performance.now() > sliceEnd) {
        await nextTurn();
        sliceEnd = performance.now() + MAX_SLICE_MILLIS;
      }
      try {
        const record = this.#toRecord(item);
        records.push(record);
        const note = record.notes[0];
        if (note !== undefined)
          this.#diagnostics.report('warn', 'value', `a ${record.kind} lost a value: ${note}`);
      } catch (error) {
        dropped += 1;
        reason ??= error;
      }
    }
    if (dropped > 0) {
      this.#target.countDropped('unmappable-record', dropped);
      const message = `${dropped} of ${items.length} records cannot be mapped and were dropped: ${describeCause(reason)}`;
      this.#diagnostics.report('error', 'unmappable-record', message);
    }
    return records;
  }

  #report(resultCallback: (result: ExportResult) => void, error: Error | undefined): void {
    try {
      resultCallback(
        error === undefined ? { code: ExportResultCode.SUCCESS } : { code: ExportResultCode.FAILED, error },
      );
    } catch (error) {
      this.#diagnostics.report(
        'error',
        'result-callback',
        `the export's callback threw: ${describeCause(error)}`,
      );
    }
  }
}

function shutdownError(failed: number): ExportError {
  return new ExportError('exporter-shutdown', failed, 'export() was called after shutdown()');
}
