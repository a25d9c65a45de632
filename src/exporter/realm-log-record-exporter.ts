import type { ReadableLogRecordLike } from '../model/readable-log-record.js';
import { createRecordMapper } from '../model/record-mapper.js';
import { ExportDelegate } from './export-delegate.js';
import type { ExportResult } from './export-result.js';
import { resolveExporterOptions, type RealmExporterOptions } from './exporter-options.js';

/**
 * An OpenTelemetry `LogRecordExporter` that writes each log record as one asymmetric Realm object.
 *
 * Give it to a `BatchLogRecordProcessor` of any SDK 2.x or 3.x. When an export succeeds, its records are
 * committed to the local Realm file, and Device Sync uploads them from there. No method throws, and no promise rejects.
 */
export class RealmLogRecordExporter {
  readonly #delegate: ExportDelegate<ReadableLogRecordLike>;

  /** @throws InvalidOptionError if an option is unusable */
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
   * Stores log records locally, then calls back exactly once. Never waits for the network. Calls may overlap.
   *
   * A record that cannot be mapped is dropped, counted in the connection's status and logged. The result is FAILED only
   * if records could not be stored.
   */
  export(logRecords: readonly ReadableLogRecordLike[], resultCallback: (result: ExportResult) => void): void {
    this.#delegate.export(logRecords, resultCallback);
  }

  /** Waits, at most `timeoutMillis`, until all records exported so far are committed locally. Never rejects. */
  forceFlush(): Promise<void> {
    return this.#delegate.forceFlush();
  }

  /**
   * Flushes and leaves the connection. The last exporter to leave also waits for the server's acknowledgement, unless
   * the server is known to be unreachable, and then closes the connection. Takes at most `timeoutMillis` in all. Never
   * rejects; later calls return the same promise.
   */
  shutdown(): Promise<void> {
    return this.#delegate.shutdown();
  }
}
