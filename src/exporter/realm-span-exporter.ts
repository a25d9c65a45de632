import type { ReadableSpanLike } from '../model/readable-span.js';
import { createRecordMapper } from '../model/record-mapper.js';
import { ExportDelegate } from './export-delegate.js';
import type { ExportResult } from './export-result.js';
import { resolveExporterOptions, type RealmExporterOptions } from './exporter-options.js';

/**
 * An OpenTelemetry `SpanExporter` that writes each span as one asymmetric Realm object.
 *
 * Give it to a `BatchSpanProcessor` of any SDK 2.x or 3.x. When an export succeeds, its spans are committed to the
 * local Realm file, and Device Sync uploads them from there. No method throws, and no promise rejects.
 */
export class RealmSpanExporter {
  readonly #delegate: ExportDelegate<ReadableSpanLike>;

  /** @throws InvalidOptionError if an option is unusable */
  constructor(options: RealmExporterOptions) {
    const { target, timeoutMillis, meterProvider } = resolveExporterOptions(options);
    const mapper = createRecordMapper({ ObjectId: target.ObjectId, classPrefix: target.classPrefix });
    this.#delegate = new ExportDelegate({
      component: 'RealmSpanExporter',
      signal: 'span',
      target,
      toRecord: (span: ReadableSpanLike) => mapper.toSpan(span),
      timeoutMillis,
      meterProvider,
    });
  }

  /**
   * Stores spans locally, then calls back exactly once. Never waits for the network. Calls may overlap.
   *
   * A span that cannot be mapped is dropped, counted in the connection's status and logged. The result is FAILED only if
   * spans could not be stored.
   */
  export(spans: readonly ReadableSpanLike[], resultCallback: (result: ExportResult) => void): void {
    this.#delegate.export(spans, resultCallback);
  }

  /** Waits, at most `timeoutMillis`, until all spans exported so far are committed locally. Never rejects. */
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
