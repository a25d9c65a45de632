import type { ReadableLogRecordLike } from '../model/readable-log-record.js';
import { createRecordMapper } from '../model/record-mapper.js';
import { ExportDelegate } from './export-delegate.js';
import type { ExportResult } from './export-result.js';
import { resolveExporterOptions, type RealmExporterOptions } from './exporter-options.js';

/**
 * An OpenTelemetry `LogRecordExporter` that writes each log record as one asymmetric Realm object.
 *
 * Give it to a `BatchLogRecordProcessor` of any SDK 2.x or 3.x. An export's success says that its records are committed
 * to the local Realm file, from where Device Sync carries them; no method throws, and no promise of it ever rejects.
 */
export class RealmLogRecordExporter {
  readonly #delegate: ExportDelegate<ReadableLogRecordLike>;

  /** @throws InvalidOptionError if an option is not usable */
  constructor(options: RealmExporterOptions) {
    const { target, timeoutMillis, meterProvider } = resolveExporterOptions(options);
    const mapper = createRecordMapper({ ObjectId: target.ObjectId, classPrefix: target.classPrefix });
    this.#delegate = new ExportDelegate({
      component: 'RealmLogRecordExporter',
      signal: 'log',
      target,
      toRecord: (logRecord: ReadableLogRecordLike) => mapper.toLogRecord(logRecord),
      timeoutMillis,
      meterProvider,
    });
  }

  /**
   * Stores log records locally, then calls back, exactly once; it never waits for a network. Calls may overlap.
   *
   * Records that cannot be mapped are dropped alone, counted in the connection's status and logged; the result is FAILED
   * only if records could not be stored.
   */
  export(logRecords: readonly ReadableLogRecordLike[], resultCallback: (result: ExportResult) => void): void {
    this.#delegate.export(logRecords, resultCallback);
  }

  /** Waits, at most `timeoutMillis`, until everything exported so far is committed locally. Never rejects. */
  forceFlush(): Promise<void> {
    return this.#delegate.forceFlush();
  }

  /**
   * Waits as `forceFlush` does and leaves the connection; the last exporter to leave also waits for the server's
   * acknowledgement, unless it is known to be out of reach, and closes the connection. All that takes at most `timeoutMillis`. Never rejects;
   * further calls return the same promise.
   */
  shutdown(): Promise<void> {
    return this.#delegate.shutdown();
  }
}
