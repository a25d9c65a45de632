/**
 * Two services, one realm-ingest that goes away for a while, and a look into the store at the end.
 *
 *     npm run example
 *     npm run example -- --store sqlite:telemetry.db     keeps the stored documents
 *     npm run example -- --store "$MONGODB_URI"          the same in MongoDB
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { killAll, startIngest, startService } from './processes.mjs';
import { countByService, pickFailingTrace, readStored } from './stored.mjs';
import { paint } from './terminal/paint.mjs';
import { Progress, tell } from './terminal/progress.mjs';
import { drawWaterfall } from './terminal/waterfall.mjs';

const requestsEachLeg = 100;
const deliveryMillis = 20_000;
const engines = {
  native: 'native Realm engine: what is not acknowledged yet is on disk',
  wasm: 'Realm compiled to WebAssembly: what is not acknowledged yet is in memory; native keeps it on disk',
};

const { values: options } = parseArgs({ options: { store: { type: 'string' } } });
const directory = await mkdtemp(join(tmpdir(), 'realm-example-'));
const store = options.store ?? `sqlite:${join(directory, 'telemetry.db')}`;
const run = randomUUID();

let ending = false;
process.once('SIGINT', () => end(130));
process.once('SIGTERM', () => end(143));
try {
  await end((await play()) ? 0 : 1);
} catch (error) {
  if (ending) await new Promise(() => undefined); // the failure is ours: processes were killed
  console.error(`\n${paint('The example failed.', 'red', 'bold')} ${error.message}`);
  await end(1);
}

/** @returns whether every record is stored exactly once */
async function play() {
  console.log(`\n${paint('Two services, and a server that goes away', 'bold')}\n`);
  tell('store', store.replace(/\/\/[^@/]*@/, '//…@'));

  const serve = ['--app-id', 'example', '--store', store, '--allow-anonymous'];
  let ingest = await startIngest([...serve, '--port', '0']);
  tell('realm-ingest', `up at ${ingest.url}`);
  const environment = (service) => ({
    EXAMPLE_APP_ID: 'example',
    EXAMPLE_BASE_URL: ingest.url,
    EXAMPLE_DIRECTORY: join(directory, service),
    OTEL_RESOURCE_ATTRIBUTES: `service.version=1.0.0,example.run=${run}`,
  });
  const stock = await startService('stock', environment('stock'));
  const checkout = await startService('checkout', { ...environment('checkout'), STOCK_URL: stock.url });
  tell('services', `checkout at ${checkout.url}, stock at ${stock.url}`);
  tell('engine', engines[stock.engineName]);

  await drive(checkout.url, 'connected');
  await ingest.stop();
  const stoppedAt = new Date();
  tell('realm-ingest', paint('stopped', 'yellow'));
  await drive(checkout.url, 'offline');
  const backAt = new Date();
  ingest = await startIngest([...serve, '--port', new URL(ingest.url).port]);
  tell('realm-ingest', 'up again');
  await drive(checkout.url, 'connected');

  tell('services', 'shutting down once everything is acknowledged');
  const [stockRecorded, checkoutRecorded] = await Promise.all([stock.finish(), checkout.finish()]);
  const recorded = { checkout: checkoutRecorded, stock: stockRecorded };
  const stored = await waitForDelivery(recorded);
  await ingest.stop();

  const complete = compare(recorded, countByService(stored, Object.keys(recorded)));
  showTrace(pickFailingTrace(stored, stoppedAt, backAt), stoppedAt, backAt);
  return complete;
}

/** Sends a leg of requests, a few at a time. Lamps and rope are in stock, anchors run out, and the scanner fails at times. */
async function drive(url, label) {
  const items = ['lamp', 'rope', 'lamp', 'anchor'];
  const progress = new Progress(label, requestsEachLeg);
  let next = 0;
  const customer = async () => {
    while (next < requestsEachLeg) {
      const order = next++;
      const answer = await fetch(`${url}/orders`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ order: `${label}-${order}`, item: items[order % items.length], quantity: 1 }),
      });
      await answer.arrayBuffer();
      progress.step(!answer.ok);
    }
  };
  await Promise.all(Array.from({ length: 4 }, customer));
  progress.end();
}

/** Reads the store until it contains all records or the time is over. */
async function waitForDelivery(recorded) {
  const expected = JSON.stringify(recorded);
  const deadline = Date.now() + deliveryMillis;
  for (;;) {
    const stored = await readStored(store, run);
    if (JSON.stringify(countByService(stored, Object.keys(recorded))) === expected) return stored;
    if (Date.now() > deadline) return stored;
    await delay(500);
  }
}

function compare(recorded, stored) {
  const rows = Object.keys(recorded).flatMap((service) =>
    ['spans', 'logs'].map((kind) => ({
      kind,
      service,
      ended: recorded[service][kind],
      stored: stored[service][kind],
    })),
  );
  console.log(`\n  ${paint(`${'recorded'.padStart(32)}${'stored'.padStart(10)}`, 'dim')}`);
  for (const { kind, service, ended, stored: kept } of rows) {
    const verdict = ended === kept ? paint('equal', 'green') : paint(`${kept - ended}`, 'red', 'bold');
    console.log(
      `  ${paint(kind.padEnd(8), 'bold')}${service.padEnd(14)}${format(ended)}${format(kept)}  ${verdict}`,
    );
  }
  return rows.every((row) => row.ended > 0 && row.ended === row.stored);

  function format(count) {
    return count
      .toLocaleString('en')
      .padStart(count === undefined ? 0 : 10)
      .slice(-10);
  }
}

function showTrace(trace, stoppedAt, backAt) {
  if (trace === undefined) return;
  const [root] = trace.spans.filter((span) => span.parentSpanId === undefined);
  const away = root !== undefined && root.startTime >= stoppedAt && root.startTime <= backAt;
  const late = root && ((root.ingest.receivedAt - root.endTime) / 1000).toFixed(1);
  console.log(`\n  ${paint('trace', 'bold')} ${trace.traceId}`);
  if (away) console.log(`  ${paint(`recorded while realm-ingest was away, stored ${late} s later`, 'dim')}`);
  console.log();
  const width = Math.min(process.stdout.columns ?? 110, 160) - 2;
  for (const line of drawWaterfall(trace.spans, trace.logs, width)) console.log(`  ${line}`);
  console.log();
}

async function end(code) {
  ending = true;
  killAll();
  await rm(directory, { recursive: true, force: true });
  process.exit(code);
}
