import assert from 'node:assert/strict';
import { diag, DiagLogLevel, type MeterProvider as ApiMeterProvider } from '@opentelemetry/api';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { DataPointType, MeterProvider, type MetricData } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { ExportResult } from '../../src/exporter/export-result.js';
import { RealmLogRecordExporter } from '../../src/exporter/realm-log-record-exporter.js';
import { RealmSpanExporter } from '../../src/exporter/realm-span-exporter.js';
import { recordTarget, type WriteOutcome } from '../../src/delivery/record-target.js';
import type { ReadableSpanLike } from '../../src/model/readable-span.js';
import { packageVersion } from '../../src/version.js';
import { byError, CollectingReader } from '../support/collecting-reader.js';
import { MemoryTarget, nothingStored } from '../support/memory-target.js';

describe('metrics of the exporters', () => {
  let target: MemoryTarget;
  let connection: { [recordTarget]: MemoryTarget };
  let reader: CollectingReader;
  let selfObsMeterProvider: MeterProvider;
  let logged: string[];

  beforeEach(() => {
    target = new MemoryTarget();
    connection = { [recordTarget]: target };
    reader = new CollectingReader();
    selfObsMeterProvider = new MeterProvider({ readers: [reader] });
    logged = [];
    const log = (message: string): void => void logged.push(message);
    diag.setLogger(
      { error: log, warn: log, info: log, debug: log, verbose: log },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
  });

  afterEach(async () => {
    diag.disable();
    await selfObsMeterProvider.shutdown();
  });

  it('count the spans of a batch processor', async () => {
    const exporter = new RealmSpanExporter({ connection, selfObsMeterProvider });
    const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
    for (let i = 0; i < 700; i += 1) provider.getTracer('shop').startSpan('order').end();
    await provider.forceFlush();
    assert.equal(await reader.sum('otel.sdk.exporter.span.exported'), 700);
    assert.equal(await reader.sum('otel.sdk.exporter.span.inflight'), 0);
    await provider.shutdown();
  });

  it('count the log records of a batch processor', async () => {
    const exporter = new RealmLogRecordExporter({ connection, selfObsMeterProvider });
    const provider = new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter })] });
    for (let i = 0; i < 70; i += 1) provider.getLogger('shop').emit({ body: 'sold' });
    await provider.forceFlush();
    assert.equal(await reader.sum('otel.sdk.exporter.log.exported'), 70);
    assert.equal(await reader.sum('otel.sdk.exporter.log.inflight'), 0);
    await provider.shutdown();
  });

  it('have the kinds, units and attributes of the semantic conventions', async () => {
    const spanExporter = new RealmSpanExporter({ connection, selfObsMeterProvider });
    const logExporter = new RealmLogRecordExporter({ connection, selfObsMeterProvider });
    await exported(spanExporter, [span]);
    const provider = new LoggerProvider({
      processors: [new BatchLogRecordProcessor({ exporter: logExporter })],
    });
    provider.getLogger('shop').emit({ body: 'sold' });
    await provider.forceFlush();
    assert.deepEqual((await reader.metrics()).map(describeMetric), [
      'otel.sdk.exporter.span.inflight: up-down counter of {span}',
      'otel.sdk.exporter.span.exported: counter of {span}',
      'otel.sdk.exporter.operation.duration: histogram of s',
      'otel.sdk.exporter.log.inflight: up-down counter of {log_record}',
      'otel.sdk.exporter.log.exported: counter of {log_record}',
    ]);
    const { name, version } = (await reader.scopes())[0]!;
    assert.deepEqual({ name, version }, { name: 'opentelemetry-exporter-realm', version: packageVersion });
    for (const [metric, type] of [
      ['otel.sdk.exporter.span.exported', 'RealmSpanExporter'],
      ['otel.sdk.exporter.log.inflight', 'RealmLogRecordExporter'],
    ] as const) {
      const [point] = await reader.points(metric);
      const {
        'otel.component.type': component,
        'otel.component.name': instance,
        ...rest
      } = point!.attributes;
      assert.equal(component, type);
      assert.match(String(instance), new RegExp(`^${type}/\\d+$`));
      assert.deepEqual(rest, {});
    }
  });

  it('tell exporters of one class apart', async () => {
    for (let i = 0; i < 2; i += 1) {
      await exported(new RealmSpanExporter({ connection, selfObsMeterProvider }), [span]);
    }
    const points = await reader.points('otel.sdk.exporter.span.exported');
    assert.equal(new Set(points.map(({ attributes }) => attributes['otel.component.name'])).size, 2);
  });

  it('hold spans in flight until they are committed', async () => {
    let commit: (outcome: WriteOutcome) => void = () => undefined;
    target.onWrite = () => new Promise((resolve) => (commit = resolve));
    const exporter = new RealmSpanExporter({ connection, selfObsMeterProvider });
    const first = exported(exporter, [span, span]);
    assert.equal(await reader.sum('otel.sdk.exporter.span.inflight'), 2);
    await new Promise(setImmediate);
    assert.equal(await reader.sum('otel.sdk.exporter.span.exported'), 0);
    commit({ stored: 2, failed: 0 });
    await first;
    assert.equal(await reader.sum('otel.sdk.exporter.span.inflight'), 0);
    assert.deepEqual(await countsByError(), { none: 2 });
  });

  it('count what was stored and what was not, with the code of the error', async () => {
    const exporter = new RealmSpanExporter({ connection, selfObsMeterProvider });
    target.onWrite = (records) => {
      const { error } = nothingStored(records);
      return Promise.resolve({ stored: 1, failed: records.length - 1, error: error! });
    };
    assert.equal((await exported(exporter, [span, span, span])).code, 1);
    assert.deepEqual(await countsByError(), { none: 1, 'export-failed': 2 });
    assert.deepEqual(await durationsByError(), { 'export-failed': 1 });
  });

  it('count a record that cannot be mapped as failed, and its export as successful', async () => {
    const exporter = new RealmSpanExporter({ connection, selfObsMeterProvider });
    assert.equal((await exported(exporter, [span, null as never, span])).code, 0);
    assert.deepEqual(await countsByError(), { none: 2, 'unmappable-record': 1 });
    assert.deepEqual(await durationsByError(), { none: 1 });
  });

  it('count each record once if the target breaks its contract', async () => {
    const exporter = new RealmSpanExporter({ connection, selfObsMeterProvider });
    target.onWrite = () => Promise.reject(new Error('broken'));
    await exported(exporter, [span, null as never]);
    assert.deepEqual(await countsByError(), { 'export-failed': 1, 'unmappable-record': 1 });
    assert.deepEqual(Object.fromEntries(target.dropped), { 'export-failed': 1, 'unmappable-record': 1 });
  });

  it('count what comes after the shutdown', async () => {
    const exporter = new RealmSpanExporter({ connection, selfObsMeterProvider });
    await exporter.shutdown();
    await exported(exporter, [span]);
    assert.deepEqual(await countsByError(), { 'exporter-shutdown': 1 });
    assert.equal(await reader.sum('otel.sdk.exporter.span.inflight'), 0);
  });

  it('measure nothing for no records', async () => {
    await exported(new RealmSpanExporter({ connection, selfObsMeterProvider }), []);
    assert.deepEqual(await reader.metrics(), []);
  });

  it('measure seconds, from the call to the commit', async () => {
    const exporter = new RealmSpanExporter({ connection, selfObsMeterProvider });
    target.onWrite = (records) =>
      new Promise((resolve) => {
        setTimeout(() => {
          resolve({ stored: records.length, failed: 0 });
        }, 60);
      });
    const start = performance.now();
    await exported(exporter, [span]);
    const seconds = (performance.now() - start) / 1000;
    const [point] = await reader.points('otel.sdk.exporter.operation.duration');
    const { count, sum } = point!.value as { count: number; sum: number };
    assert.equal(count, 1);
    assert.ok(sum >= 0.05 && sum <= seconds, `${sum} of ${seconds} s`);
  });

  it('are not there by default', async () => {
    await exported(new RealmSpanExporter({ connection }), [span]);
    assert.deepEqual(await reader.metrics(), []);
  });

  for (const [what, broken] of [
    [
      'a meter provider that throws',
      {
        getMeter: () => {
          throw new Error('no meters');
        },
      },
    ],
    ['instruments that throw', { getMeter: () => throwingMeter }],
  ] as const) {
    it(`never fail an export: ${what}`, async () => {
      const selfObs = broken as unknown as ApiMeterProvider;
      const exporter = new RealmSpanExporter({ connection, selfObsMeterProvider: selfObs });
      assert.deepEqual(await exported(exporter, [span]), { code: 0 });
      assert.deepEqual(await exported(exporter, [span]), { code: 0 });
      assert.equal(target.stored.length, 2);
      assert.equal(logged.length, 1, 'once, not for each export');
      assert.match(logged[0]!, /^RealmSpanExporter: .*(no meters|no counting)/);
    });
  }

  async function countsByError(): Promise<Record<string, number>> {
    const points = await reader.points('otel.sdk.exporter.span.exported');
    return byError(points);
  }

  async function durationsByError(): Promise<Record<string, number>> {
    const points = await reader.points('otel.sdk.exporter.operation.duration');
    return byError(points, (value) => (value as { count: number }).count);
  }
});

const span = new BasicTracerProvider().getTracer('shop').startSpan('order') as unknown as ReadableSpanLike;

const throwingInstrument = {
  add: () => {
    throw new Error('no counting');
  },
  record: () => {
    throw new Error('no counting');
  },
};

const throwingMeter = {
  createCounter: () => throwingInstrument,
  createUpDownCounter: () => throwingInstrument,
  createHistogram: () => throwingInstrument,
};

function describeMetric(metric: MetricData): string {
  const { name, unit } = metric.descriptor;
  const sum =
    metric.dataPointType === DataPointType.SUM && metric.isMonotonic ? 'counter' : 'up-down counter';
  return `${name}: ${metric.dataPointType === DataPointType.HISTOGRAM ? 'histogram' : sum} of ${unit}`;
}

function exported(exporter: RealmSpanExporter, spans: readonly ReadableSpanLike[]): Promise<ExportResult> {
  return new Promise((resolve) => {
    exporter.export(spans, resolve);
  });
}
