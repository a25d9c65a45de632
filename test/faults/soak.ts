/**
 * Fault runs for as long as you like: `npm run soak -- --help`.
 *
 * @module
 */
import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatSeed, parseSeed } from './random.js';
import { runInProcess } from './run-in-process.js';
import type { SoakOrder, SoakReport } from './soak-worker.js';
import { describeFailure, Totals } from './totals.js';

const usage = `npm run soak -- [options]

  --minutes N      go on for so long (default: 10)
  --runs N         or for so many runs
  --seed 0x…       the first run's seed; without --minutes and --runs, that run alone
  --concurrency N  runs at a time (default: 4)
  --store URL      mongodb://…: a database for each run (default: a SQLite file for each)
  --evidence DIR   where a failed run leaves its log and its store

Ends with 1 at the first run that fails.
`;

/** Runs of one process. */
const runsOfWorker = 300;

/** Interval of progress lines in milliseconds, if the output is not a terminal. */
const lineMillis = 10_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    runs: { type: 'string' },
    seed: { type: 'string' },
    concurrency: { type: 'string', default: '4' },
    store: { type: 'string' },
    evidence: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

async function soak(): Promise<number> {
  const { minutes, runs, seed, store } = values;
  const firstSeed = seed === undefined ? Date.now() >>> 0 : parseSeed(seed);
  const alone = seed !== undefined && minutes === undefined && runs === undefined;
  const maxRuns = alone ? 1 : runs === undefined ? Number.POSITIVE_INFINITY : positive('runs', runs);
  const maxMinutes =
    minutes === undefined
      ? maxRuns === Number.POSITIVE_INFINITY
        ? 10
        : maxRuns
      : positive('minutes', minutes);
  const concurrency = positive('concurrency', values.concurrency);
  const evidenceDirectory = values.evidence ?? (await mkdtemp(join(tmpdir(), 'fault-evidence-')));
  const begun = performance.now();
  const deadline = begun + maxMinutes * 60_000;
  const totals = new Totals();
  let last: SoakReport | undefined;
  const progress = new ProgressLine(() => {
    const seconds = Math.round((performance.now() - begun) / 1000);
    const elapsed = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    const memory = last === undefined ? '' : `  (${describeMemory(last)})`;
    return `${elapsed}  ${totals.toString()}${memory}`;
  });
  process.stdout.write(`seeds from ${formatSeed(firstSeed)}\n`);
  while (totals.failed.length === 0 && totals.runs < maxRuns && performance.now() < deadline) {
    const order: SoakOrder = {
      firstSeed: (firstSeed + totals.runs) >>> 0,
      maxRuns: Math.min(runsOfWorker, maxRuns - totals.runs),
      millis: deadline - performance.now(),
      ...{ concurrency, evidenceDirectory, store },
    };
    await runInProcess(order, (report) => {
      last = report;
      totals.add(report.result);
      progress.update();
    });
  }
  progress.end();
  process.stdout.write(`faults: ${totals.faultsByKind}\nresent and recognised: ${totals.resent} documents\n`);
  for (const result of totals.failed) process.stdout.write(`\n${describeFailure(result)}\n`);
  if (totals.failed.length === 0 && values.evidence === undefined) await rmdir(evidenceDirectory);
  return totals.failed.length === 0 ? 0 : 1;
}

function describeMemory({ clientRssBytes, server }: SoakReport): string {
  const client = `client ${mebibytes(clientRssBytes)}`;
  return server === undefined
    ? client
    : `${client}, server ${mebibytes(server.rssBytes)} after ${server.served} runs`;
}

/** One line that is overwritten on a terminal, and written now and then elsewhere. */
class ProgressLine {
  readonly #render: () => string;
  #writtenAt = performance.now();

  constructor(render: () => string) {
    this.#render = render;
  }

  update(): void {
    if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${this.#render()}`);
    else if (performance.now() - this.#writtenAt > lineMillis) this.#writeLine();
  }

  end(): void {
    if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
    this.#writeLine();
  }

  #writeLine(): void {
    this.#writtenAt = performance.now();
    process.stdout.write(`${this.#render()}\n`);
  }
}

function positive(option: string, text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new Error(`--${option} takes a positive number, not ${JSON.stringify(text)}`);
  return number;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

if (values.help) process.stdout.write(usage);
else process.exitCode = await soak();
