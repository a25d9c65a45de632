import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { connect, RealmLogRecordExporter, RealmSpanExporter } from '../../src/index.js';
import Realm from '../support/engine/realm.mjs';
import { byError, CollectingReader } from '../support/collecting-reader.js';

/** The whole exporter side over the real Realm engine, while there is no server. */
describe('exporters without a network', () => {
  let directory: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'offline-'));
  });

  after(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it('store what they are given, share a connection, and the last one closes it', async () => {
    const connection = connect({
      Realm,
      appId: 'app',
      // Nothing listens on the discard port.
      baseUrl: 'http://127.0.0.1:9',
      credentials: Realm.Credentials.anonymous(),
      serviceName: 'offline',
      directory,
    });
    const spans = new BasicTracerProvider({
      spanProcessors: [new BatchSpanProcessor(new RealmSpanExporter({ connection }))],
    });
    const logs = new LoggerProvider({
      processors: [new BatchLogRecordProcessor({ exporter: new RealmLogRecordExporter({ connection }) })],
    });
    for (let i = 0; i < 300; i += 1) {
      spans.getTracer('test').startSpan(`span ${i}`).end();
      logs.getLogger('test').emit({ severityNumber: SeverityNumber.INFO, body: { line: i } });
    }
    await Promise.all([spans.forceFlush(), logs.forceFlush()]);
    assert.equal(connection.status.spooled, 600);
    assert.deepEqual(connection.status.dropped, {});

    await spans.shutdown();
    assert.notEqual(connection.status.state, 'closed');
    await logs.shutdown();
    assert.equal(connection.status.state, 'closed');
    assert.equal(connection.status.spooled, 600);
  });

  it('count committed records as exported, and records that a closed connection refuses as failed', async () => {
    const connection = connect({
      Realm,
      ...{ appId: 'app', baseUrl: 'http://127.0.0.1:9', credentials: Realm.Credentials.anonymous() },
      ...{ serviceName: 'measured', directory },
    });
    const reader = new CollectingReader();
    const selfObsMeterProvider = new MeterProvider({ readers: [reader] });
    const exporter = new RealmSpanExporter({ connection, selfObsMeterProvider });
    const spans = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
    const record = async (): Promise<void> => {
      for (let i = 0; i < 5; i += 1) spans.getTracer('test').startSpan(`span ${i}`).end();
      await spans.forceFlush().catch(() => undefined);
    };
    const exported = async () => byError(await reader.points('otel.sdk.exporter.span.exported'));

    await record();
    assert.equal(connection.status.acknowledged, 0);
    assert.deepEqual(await exported(), { none: 5 });
    await connection.close();
    await record();
    assert.deepEqual(await exported(), { none: 5, 'connection-closed': 5 });
    assert.equal(await reader.sum('otel.sdk.exporter.span.inflight'), 0);
    await spans.shutdown();
  });
});
