import { ExportResultCode, type ExportResult } from '@opentelemetry/core';

/** An exporter as the SDK's batch processors see it. */
interface Exporter<T> {
  export(records: T[], onResult: (result: ExportResult) => void): void;
  forceFlush?(): Promise<void>;
  shutdown(): Promise<void>;
}

/** Counts what the SDK hands to an exporter, and what the exporter says of it. */
export class CountingExporter<T = never> {
  /** Records that the SDK has handed over. */
  given = 0;
  /** Records of exports that did not succeed. */
  failed = 0;
  readonly #exporter: Exporter<T>;

  constructor(exporter: Exporter<T>) {
    this.#exporter = exporter;
  }

  export(records: T[], onResult: (result: ExportResult) => void): void {
    this.given += records.length;
    this.#exporter.export(records, (result) => {
      if (result.code !== ExportResultCode.SUCCESS) this.failed += records.length;
      onResult(result);
    });
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }
}
