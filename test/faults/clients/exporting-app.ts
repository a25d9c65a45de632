import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import {
  connect,
  RealmLogRecordExporter,
  RealmSpanExporter,
  type Connection,
  type ConnectOptions,
} from '../../../src/index.js';
import type Realm from '../../support/engine/realm.mjs';
import type { Random } from '../random.js';
import type { ExpectedRecord } from './expected-record.js';
import { CountingExporter } from './counting-exporter.js';
import { recordLog, recordSpan, scope } from './telemetry.js';

/** What an app records with. */
export interface ExportingAppOptions {
  /** Without what the app itself sets. */
  readonly connect: ConnectOptions;
  readonly serviceName: string;
  readonly maxExportBatchSize: number;
}

/** An app with our exporters behind the SDK's own batch processors. */
export class ExportingApp {
  readonly connection: Connection;
  readonly expected: ExpectedRecord[] = [];
  readonly #serviceName: string;
  readonly #traces: BasicTracerProvider;
  readonly #logs: LoggerProvider;
  readonly #exporters: readonly CountingExporter[];
  #flushed: Promise<unknown> = Promise.resolve();

  constructor(options: ExportingAppOptions) {
    const { serviceName, maxExportBatchSize } = options;
    this.#serviceName = serviceName;
    this.connection = connect({ ...options.connect, serviceName });
    const { connection } = this;
    const spans = new CountingExporter(new RealmSpanExporter({ connection }));
    const logs = new CountingExporter(new RealmLogRecordExporter({ connection }));
    this.#exporters = [spans, logs];
    const resource = resourceFromAttributes({ 'service.name': serviceName });
    const batching = { maxExportBatchSize, scheduledDelayMillis: 50 };
    this.#traces = new BasicTracerProvider({
      resource,
      spanProcessors: [new BatchSpanProcessor(spans, batching)],
    });
    this.#logs = new LoggerProvider({
      resource,
      processors: [new BatchLogRecordProcessor({ exporter: logs, ...batching })],
    });
  }

  /** Records spans and log records, about as many of each. */
  record(count: number, random: Random, padding: () => string): void {
    const tracer = this.#traces.getTracer(scope.name, scope.version);
    const logger = this.#logs.getLogger(scope.name, scope.version);
    for (let n = 0; n < count; n += 1) {
      const key = `${this.#serviceName} ${this.expected.length}`;
      const settings = { random, serviceName: this.#serviceName, key, padding: padding() };
      this.expected.push(random.chance(0.5) ? recordSpan(tracer, settings) : recordLog(logger, settings));
    }
  }

  /** @returns whether the server has acknowledged all that was recorded */
  async settled(timeoutMillis: number): Promise<boolean> {
    // One after another: a second flush of the SDK's log processor returns at once and flushes nothing.
    this.#flushed = this.#flushed.then(() =>
      Promise.all([this.#traces.forceFlush(), this.#logs.forceFlush()]),
    );
    await this.#flushed;
    return this.connection.flush(timeoutMillis);
  }

  /** Findings after everything has settled. */
  problems(): string[] {
    const recorded = this.expected.length;
    const { spooled, unsynced, acknowledged, dropped, state } = this.connection.status;
    const given = this.#exporters.reduce((sum, exporter) => sum + exporter.given, 0);
    const failed = this.#exporters.reduce((sum, exporter) => sum + exporter.failed, 0);
    const status = JSON.stringify({ state, spooled, unsynced, acknowledged, dropped });
    return [
      ...(given === recorded ? [] : [`${recorded} records, of which the SDK exported ${given}`]),
      ...(failed === 0 ? [] : [`the export of ${failed} records failed`]),
      ...(acknowledged === recorded && spooled === 0 && unsynced === 0 && Object.keys(dropped).length === 0
        ? []
        : [`${recorded} records, and the connection says ${status}`]),
    ];
  }

  /** The synced Realm, if one was opened. The engine keeps reconnecting for it unless its session is paused. */
  async openRealm(): Promise<Realm | undefined> {
    const realm = (this.connection as unknown as Connection & { realm: Promise<Realm> }).realm;
    return Promise.race([realm, Promise.resolve(undefined)]);
  }

  async shutDown(): Promise<void> {
    await Promise.all([this.#traces.shutdown(), this.#logs.shutdown()]);
  }
}
