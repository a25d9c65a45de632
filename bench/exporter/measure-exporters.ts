/**
 * Measures the exporters side by side: each round of each variant runs in its own process, and the variants alternate.
 *
 * @module
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spreadOf, type Spread } from '../statistics.js';
import { isRealm, variantNames, type Signal, type VariantName } from './variants.js';
import type { RoundFigures, RoundOptions } from './worker.js';

/** One variant's figures over all rounds. */
export type ExporterResult = Readonly<Record<keyof RoundFigures | 'wireBytesEach', Spread>>;

export interface ExporterResults {
  readonly signal: Signal;
  readonly byVariant: ReadonlyMap<VariantName, ExporterResult>;
}

const sizes = { count: 5120, batchSize: 512, burst: 2048 };

/** Records that a worker sends in all: four batches to warm up, the measured ones, the burst. */
const sentRecords = 4 * sizes.batchSize + sizes.count + sizes.burst;

/** @param rounds - for each variant */
export async function measureExporters(signal: Signal, rounds: number): Promise<ExporterResults> {
  const root = await mkdtemp(join(tmpdir(), 'bench-exporter-'));
  const sinks = {
    otlp: await startSink('otlp-sink.mjs'),
    ingest: await startSink('ingest-sink.mjs', join(root, 'store.db')),
  };
  const collected = new Map<VariantName, (RoundFigures & { wireBytesEach: number })[]>(
    variantNames.map((name) => [name, []]),
  );
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const [variant, figures] of collected) {
        const sink = isRealm(variant) ? sinks.ingest : sinks.otlp;
        const directory = await mkdtemp(join(root, 'device-'));
        const measured = await runRound({ variant, signal, serverUrl: sink.url, directory, ...sizes });
        figures.push({ ...measured, wireBytesEach: (await sink.takeBytes()) / sentRecords });
        await rm(directory, { recursive: true, force: true });
      }
    }
  } finally {
    sinks.otlp.stop();
    sinks.ingest.stop();
    await rm(root, { recursive: true, force: true });
  }
  return {
    signal,
    byVariant: new Map([...collected].map(([variant, figures]) => [variant, summarize(figures)])),
  };
}

function summarize(rounds: readonly (RoundFigures & { wireBytesEach: number })[]): ExporterResult {
  const spread = (name: keyof ExporterResult): Spread => spreadOf(rounds.map((figures) => figures[name]));
  return {
    cpuMicrosEach: spread('cpuMicrosEach'),
    loopMicrosEach: spread('loopMicrosEach'),
    longestBlockMillis: spread('longestBlockMillis'),
    heapBytesEach: spread('heapBytesEach'),
    wallMicrosEach: spread('wallMicrosEach'),
    wireBytesEach: spread('wireBytesEach'),
  };
}

interface Sink {
  readonly url: string;
  /** Bytes received since the last call. */
  takeBytes(): Promise<number>;
  stop(): void;
}

async function startSink(file: string, ...args: readonly string[]): Promise<Sink> {
  const child = fork(pathOf(file), args, {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const { url } = await messageOf<{ url: string }>(child);
  return {
    url,
    takeBytes: async () => {
      const answer = messageOf<{ bytes: number }>(child);
      child.send('bytes');
      return (await answer).bytes;
    },
    stop: () => {
      child.kill();
    },
  };
}

async function runRound(options: RoundOptions): Promise<RoundFigures> {
  const child = fork(pathOf('worker.ts'), [JSON.stringify(options)], {
    // A young generation that holds a round, so that the heap only grows while it is measured.
    execArgv: ['--import', 'tsx', '--expose-gc', '--min-semi-space-size=128', '--max-semi-space-size=128'],
  });
  const figures = await messageOf<RoundFigures>(child);
  if (child.exitCode === null) await once(child, 'exit');
  return figures;
}

async function messageOf<T>(child: ChildProcess): Promise<T> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`a process of the benchmark ended with ${String(code)}`);
  });
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [T];
  return message;
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}
