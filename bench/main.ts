/**
 * `npm run bench`: measures the built packages and prints one table for each signal. Options: `--only exporter`,
 * `--rounds 5`, `--json`.
 *
 * @module
 */
import { cpus, platform, release } from 'node:os';
import { parseArgs } from 'node:util';
import { engineName } from '../test/support/engine/realm.mjs';
import { measureExporters, type ExporterResult, type ExporterResults } from './exporter/measure-exporters.js';
import { formatFigure, formatTable, type Spread } from './statistics.js';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: 'exporter' },
    rounds: { type: 'string', default: '5' },
  },
});
const rounds = Number(options.rounds);
if (!Number.isSafeInteger(rounds) || rounds < 1)
  throw new Error(`--rounds ${options.rounds}: expected 1 or more`);
if (options.only !== 'exporter') throw new Error(`--only ${options.only}: expected exporter`);

const columns: readonly (readonly [keyof ExporterResult, string])[] = [
  ['cpuMicrosEach', 'CPU of the thread, µs'],
  ['loopMicrosEach', 'event loop busy, µs'],
  ['longestBlockMillis', 'longest block, ms'],
  ['heapBytesEach', 'heap allocated, bytes'],
  ['wireBytesEach', 'bytes on the wire'],
  ['wallMicrosEach', 'until delivered, µs'],
];

const results: ExporterResults[] = [];
for (const signal of ['spans', 'log records'] as const) results.push(await measureExporters(signal, rounds));

const machine = {
  node: process.version,
  engine: engineName,
  cpu: cpus()[0]?.model.trim(),
  cores: cpus().length,
  system: `${platform()} ${release()}`,
  rounds,
};
if (options.json) {
  const plain = results.map(({ signal, byVariant }) => ({ signal, ...Object.fromEntries(byVariant) }));
  process.stdout.write(`${JSON.stringify({ machine, exporters: plain }, null, 2)}\n`);
} else {
  process.stdout.write(`${JSON.stringify(machine)}\n`);
  for (const { signal, byVariant } of results) {
    const rows = [...byVariant].map(([variant, result]) => [
      variant,
      ...columns.map(([name]) => formatSpread(result[name])),
    ]);
    process.stdout.write(
      `\nEach of 5,120 ${signal}, median (smallest–largest) of ${rounds} rounds; longest block of a burst of 2,048\n\n`,
    );
    process.stdout.write(`${formatTable([['exporter', ...columns.map(([, title]) => title)], ...rows])}\n`);
  }
}
process.exit(); // the Realm engine that was loaded to name it keeps the process alive

function formatSpread({ median, min, max }: Spread): string {
  return `${formatFigure(median)} (${formatFigure(min)}–${formatFigure(max)})`;
}
