/**
 * The runs of a soak, some hundred of them: the WebAssembly engine keeps something of each App for as long as its
 * process lives, so `soak.ts` starts one of these after the other.
 *
 * @module
 */
import type { RunResult } from './fault-run.js';
import { mongodbStores } from './mongodb-stores.js';
import { runMany } from './run-many.js';
import { ServerPool } from './server/server-pool.js';

/** What a worker is told at its start. */
export interface SoakOrder {
  readonly firstSeed: number;
  readonly maxRuns: number;
  /** Milliseconds from now, after which no further run begins. */
  readonly millis: number;
  readonly concurrency: number;
  readonly evidenceDirectory: string;
  /** URL of a MongoDB server, or undefined for SQLite files. */
  readonly store: string | undefined;
}

/** What it tells after each run. */
export interface SoakReport {
  readonly result: RunResult;
  readonly clientRssBytes: number;
  /** The server process that has served most runs, and its memory, if it was ever stopped in order. */
  readonly server?: { readonly served: number; readonly rssBytes: number };
}

process.once('message', (order: SoakOrder) => {
  void work(order).then(() => process.exit()); // the engine would keep the process alive
});
process.on('disconnect', () => process.exit());

async function work(order: SoakOrder): Promise<void> {
  const { firstSeed, maxRuns, concurrency, evidenceDirectory, store } = order;
  const deadline = performance.now() + order.millis;
  const pool = await ServerPool.create(2);
  const storeFor = store === undefined ? {} : { storeFor: mongodbStores(store) };
  const told: Promise<void>[] = [];
  let hasFailed = false;
  await runMany(
    { firstSeed, concurrency, settings: { pool, evidenceDirectory, ...storeFor } },
    (begun) => begun < maxRuns && performance.now() < deadline,
    (result) => {
      const { oldest } = pool;
      hasFailed ||= result.evidence !== undefined;
      told.push(
        tell({
          result,
          clientRssBytes: process.memoryUsage.rss(),
          ...(oldest &&
            oldest.rssBytes > 0 && { server: { served: oldest.served, rssBytes: oldest.rssBytes } }),
        }),
      );
      return !hasFailed;
    },
  );
  await pool.close();
  await Promise.all(told);
}

function tell(report: SoakReport): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(report, undefined, undefined, () => {
      resolve();
    });
  });
}
