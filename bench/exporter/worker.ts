/**
 * One round of one exporter in its own process: `measure-exporters.ts` forks this module with the arguments as JSON and
 * receives the figures as a message.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { makeLogRecords, makeSpans } from '../telemetry.js';
import { createSubject, type Signal, type Subject, type VariantName } from './variants.js';

export interface RoundOptions {
  readonly variant: VariantName;
  readonly signal: Signal;
  readonly serverUrl: string;
  readonly directory: string;
  /** Records that are exported one batch after another. */
  readonly count: number;
  readonly batchSize: number;
  /** Records that are handed over at once. */
  readonly burst: number;
}

/** Figures of one round. Those with `Each` are for one record. */
export interface RoundFigures {
  /** CPU time of the app's thread, in microseconds. */
  readonly cpuMicrosEach: number;
  /** Time in which the event loop was busy, in microseconds. */
  readonly loopMicrosEach: number;
  /** Longest delay of the event loop while the burst is exported, in milliseconds. */
  readonly longestBlockMillis: number;
  /** Bytes allocated on the heap. */
  readonly heapBytesEach: number;
  /** From the first export until the server has everything, in microseconds. */
  readonly wallMicrosEach: number;
}

const options = JSON.parse(process.argv[2] ?? '') as RoundOptions;
const { count, batchSize, burst } = options;
const make = (records: number): readonly unknown[] =>
  options.signal === 'spans' ? makeSpans(records) : makeLogRecords(records);

const subject = await createSubject(options.variant, options.signal, options.serverUrl, options.directory);
await exportInBatches(subject, make(4 * batchSize)); // warms up
await subject.delivered();

const items = make(count);
globalThis.gc?.();
const heapBefore = process.memoryUsage().heapUsed;
const cpuBefore = threadCpuMicros();
const loopBefore = performance.eventLoopUtilization();
const start = performance.now();
await exportInBatches(subject, items);
const heapBytes = process.memoryUsage().heapUsed - heapBefore;
await subject.delivered();
const wallMillis = performance.now() - start;
const loop = performance.eventLoopUtilization(loopBefore);
const cpuMicros = threadCpuMicros() - cpuBefore;

const burstItems = make(burst);
globalThis.gc?.();
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
await new Promise((resolve) => setTimeout(resolve, 20)); // the first delays are those of the monitor's own start
delay.reset();
await Promise.all(batchesOf(burstItems).map((batch) => exportOnce(subject, batch)));
await new Promise((resolve) => setTimeout(resolve, 20));
delay.disable();
await subject.delivered();

const figures: RoundFigures = {
  cpuMicrosEach: cpuMicros / count,
  loopMicrosEach: (loop.active * 1000) / count,
  longestBlockMillis: delay.max / 1e6,
  heapBytesEach: heapBytes / count,
  wallMicrosEach: (wallMillis * 1000) / count,
};
process.send?.(figures, () => {
  process.exit(); // Realm keeps a process alive
});

async function exportInBatches(exporter: Subject, records: readonly unknown[]): Promise<void> {
  for (const batch of batchesOf(records)) await exportOnce(exporter, batch);
}

function batchesOf(records: readonly unknown[]): (readonly unknown[])[] {
  const batches: (readonly unknown[])[] = [];
  for (let from = 0; from < records.length; from += batchSize)
    batches.push(records.slice(from, from + batchSize));
  return batches;
}

function exportOnce(exporter: Subject, batch: readonly unknown[]): Promise<void> {
  return new Promise((resolve, reject) => {
    exporter.export(batch, ({ code, error }) => {
      if (code === 0) resolve();
      else reject(error ?? new Error('an export failed'));
    });
  });
}

/** CPU time of this thread; of the whole process on systems that do not tell. */
function threadCpuMicros(): number {
  try {
    const [nanos = ''] = readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ');
    return Number(nanos) / 1000;
  } catch {
    const { user, system } = process.cpuUsage();
    return user + system;
  }
}
