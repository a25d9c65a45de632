/**
 * A process with a connection of its own, for tests: `connection-worker.ts <settings as JSON>`. Says `{ ready: true }`, then
 * answers each message: `{ write: count }` with `{ stored, failed }`, `{ flush: millis }` with `{ flushed }`, `{ open: true }`
 * once the synced Realm is open. Spans are named `<name>-<number>`.
 */
import Realm from '../../engine/realm.mjs';
import { connect } from '../../../src/exporter/connection/connect.js';
import { recordTarget } from '../../../src/exporter/record-target.js';

/** What a worker is started with. */
export interface WorkerSettings {
  readonly baseUrl: string;
  readonly appId: string;
  readonly directory: string;
  readonly name: string;
  readonly maxUnsyncedBytes?: number;
}

/** What a worker is told. */
export interface WorkerOrder {
  readonly write?: number;
  readonly flush?: number;
  readonly open?: true;
}

/** What a worker answers. */
export interface WorkerAnswer {
  readonly ready?: true;
  readonly stored?: number;
  readonly failed?: number;
  readonly flushed?: boolean;
  readonly storedBytes: number;
}

const { baseUrl, appId, directory, name, ...limits } = JSON.parse(process.argv[2] ?? '{}') as WorkerSettings;
const connection = connect({
  Realm,
  appId,
  baseUrl,
  credentials: Realm.Credentials.anonymous(),
  serviceName: 'workers',
  directory,
  ...limits,
});
const target = connection[recordTarget];
let written = 0;

process.on('message', (order: WorkerOrder) => {
  void obey(order).then((answer) => {
    say({ ...answer, storedBytes: connection.status.storedBytes });
  });
});
process.on('disconnect', () => process.exit());
say({ ready: true, storedBytes: 0 });

async function obey({ write, flush, open }: WorkerOrder): Promise<object> {
  if (open) await connection.realm;
  if (flush !== undefined) return { flushed: await connection.flush(flush) };
  if (write === undefined) return {};
  const text = 'x'.repeat(500);
  const { stored, failed } = await target.write(
    Array.from({ length: write }, () => ({
      kind: 'span',
      className: 'Span',
      values: { _id: new target.ObjectId(), name: `${name}-${(written += 1)}`, statusMessage: text },
      notes: [],
      sizeBytes: 550,
    })),
  );
  return { stored, failed };
}

function say(answer: WorkerAnswer): void {
  process.send?.(answer);
}
