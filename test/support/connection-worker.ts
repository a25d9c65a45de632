/**
 * A process with a connection and an exporter of its own, for tests: `connection-worker.ts <settings as JSON>`. Says
 * `{ ready: true }`, then answers each message: `{ write: count }`, once the export of that many spans has called back, with
 * `{ stored, failed }`; `{ flush: millis }` with `{ flushed }`; `{ open: true }` once the synced Realm is open;
 * `{ shutdown: true }` once the exporter has shut down, the process living on;
 * `{ moveTo: url }` once it has closed its connection and begun one to another server. Spans are named `<name>-<number>`.
 */
import { SpanStatusCode } from '@opentelemetry/api';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { BasicTracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import Realm from './engine/realm.mjs';
import { connect } from '../../src/delivery/connect.js';
import type { Connection } from '../../src/delivery/connection.js';
import { RealmSpanExporter } from '../../src/exporter/realm-span-exporter.js';

/** What a worker is started with. */
export interface WorkerSettings {
  readonly baseUrl: string;
  readonly appId: string;
  readonly directory: string;
  readonly name: string;
  readonly maxUnsyncedBytes?: number;
  /** Goes off the network right after `connect`. */
  readonly isPaused?: boolean;
}

/** What a worker is told. */
export interface WorkerOrder {
  readonly write?: number;
  readonly flush?: number;
  readonly open?: true;
  readonly shutdown?: true;
  readonly moveTo?: string;
}

/** What a worker answers. */
export interface WorkerAnswer {
  readonly ready?: true;
  readonly stored?: number;
  readonly failed?: number;
  readonly flushed?: boolean;
  readonly storedBytes: number;
}

const { baseUrl, appId, directory, name, isPaused, ...limits } = JSON.parse(
  process.argv[2] ?? '{}',
) as WorkerSettings;
let connection = connectTo(baseUrl);
if (isPaused) connection.pause();
let exporter = new RealmSpanExporter({ connection });
const ended: ReadableSpan[] = [];
const provider = new BasicTracerProvider({
  spanProcessors: [
    {
      onStart: () => undefined,
      onEnd: (span) => ended.push(span),
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    },
  ],
});
const tracer = provider.getTracer('worker');
let written = 0;

process.on('message', (order: WorkerOrder) => {
  void obey(order).then((answer) => {
    say({ ...answer, storedBytes: connection.status.storedBytes });
  });
});
process.on('disconnect', () => process.exit());
say({ ready: true, storedBytes: 0 });

function connectTo(url: string): Connection {
  return connect({
    Realm,
    appId,
    baseUrl: url,
    credentials: Realm.Credentials.anonymous(),
    serviceName: 'workers',
    directory,
    ...limits,
  });
}

async function obey({ write, flush, open, shutdown, moveTo }: WorkerOrder): Promise<object> {
  if (shutdown) await exporter.shutdown();
  if (moveTo !== undefined) {
    await connection.close();
    connection = connectTo(moveTo);
    exporter = new RealmSpanExporter({ connection });
  }
  if (open) await connection.realm;
  if (flush !== undefined) return { flushed: await connection.flush(flush) };
  if (write === undefined) return {};
  const failedBefore = countDropped();
  for (let count = 0; count < write; count += 1) {
    const span = tracer.startSpan(`${name}-${(written += 1)}`);
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'x'.repeat(500) });
    span.end();
  }
  const { code } = await new Promise<ExportResult>((resolve) => {
    exporter.export(ended.splice(0), resolve);
  });
  const failed = countDropped() - failedBefore;
  if ((code === ExportResultCode.FAILED) !== failed > 0) throw new Error(`code ${code}, ${failed} failed`);
  return { stored: write - failed, failed };
}

function countDropped(): number {
  return Object.values(connection.status.dropped).reduce((sum, count) => sum + count, 0);
}

function say(answer: WorkerAnswer): void {
  process.send?.(answer);
}
