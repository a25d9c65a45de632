/**
 * Runs the test suites, or those that are named (`node scripts/test.mjs unit faults`), and ends with one line a suite.
 *
 * The unit tests are divided among as many processes as there are processors; every other file has its own process.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const mocha = join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
const processCount = availableParallelism();

const suites = ['unit', 'integration', 'faults', 'package'];

function suiteOf(file) {
  if (file.includes('/faults/')) return 'faults';
  if (file.includes('/package/')) return 'package';
  return file.includes('/end-to-end/') || file.endsWith('.integration.test.ts') ? 'integration' : 'unit';
}

/** The test files of both packages, the largest first. */
function findFiles() {
  const filesBelow = (directory) =>
    readdirSync(join(root, directory), { recursive: true }).map(
      (file) => `${directory}/${file.replaceAll('\\', '/')}`,
    );
  return [...filesBelow('test'), ...filesBelow('realm-ingest/test')]
    .filter((file) => file.endsWith('.test.ts'))
    .sort((a, b) => statSync(join(root, b)).size - statSync(join(root, a)).size);
}

/** Parts of a suite: each is run by a process. */
function partsOf(suite) {
  const files = findFiles().filter((file) => suiteOf(file) === suite);
  if (suite !== 'unit') return files.map((file) => ({ suite, title: file, args: [file] }));
  return Array.from({ length: processCount }, (_, part) => ({
    suite,
    title: `unit tests, part ${part + 1} of ${processCount}`,
    args: ['--timeout', '5000', ...files.filter((_, index) => index % processCount === part)],
  }));
}

/** Runs a part of a suite and prints its failures. */
async function run({ title, args }, resultFile) {
  const begin = performance.now();
  const reporter = ['--reporter', './scripts/reporter.mjs', '--reporter-option', `file=${resultFile}`];
  const child = spawn(process.execPath, [mocha, ...reporter, ...args], { cwd: root });
  let output = '';
  let errorOutput = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (errorOutput += text));
  const [exitCode] = await once(child, 'close');
  const end = performance.now();
  const result = readResult(resultFile);
  if (exitCode !== 0 && result.failed === 0) result.failed = 1; // it crashed, or something was left open
  console.log(`${result.failed === 0 ? '✓' : '✗'} ${title} (${seconds(end - begin)})`);
  if (result.failed > 0) output += errorOutput;
  if (output.trim() !== '') console.log(output.trimEnd());
  return { ...result, begin, end };
}

function readResult(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: {} };
  }
}

function seconds(millis) {
  return `${(millis / 1000).toFixed(1)} s`;
}

/** One line: what became of a suite. */
function summarize(suite, results) {
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  const reasons = {};
  for (const [reason, count] of results.flatMap(({ skipped }) => Object.entries(skipped)))
    reasons[reason] = (reasons[reason] ?? 0) + count;
  const why = Object.entries(reasons).map(([reason, count]) => `${count}: ${reason}`);
  const counts = [
    `${sum(results.map(({ passed }) => passed))} passed`,
    `${sum(results.map(({ failed }) => failed))} failed`,
    `${sum(Object.values(reasons))} skipped${why.length > 0 ? ` (${why.join('; ')})` : ''}`,
  ];
  const millis = Math.max(...results.map(({ end }) => end)) - Math.min(...results.map(({ begin }) => begin));
  return `${suite}: ${counts.join(', ')}, ${seconds(millis)}`;
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : suites;
const unknown = wanted.find((suite) => !suites.includes(suite));
if (unknown !== undefined) throw new Error(`there is no suite ${unknown}, but ${suites.join(', ')}`);

const parts = wanted.flatMap(partsOf);
const results = Object.fromEntries(wanted.map((suite) => [suite, []]));
const scratch = mkdtempSync(join(tmpdir(), 'test-results-'));
let next = 0;
async function work() {
  while (next < parts.length) {
    const index = next++;
    const part = parts[index];
    results[part.suite].push(await run(part, join(scratch, `${index}.json`)));
  }
}
await Promise.all(Array.from({ length: processCount }, work));
rmSync(scratch, { recursive: true });

console.log();
for (const suite of wanted) {
  const hasTests = results[suite].length > 0;
  console.log(hasTests ? summarize(suite, results[suite]) : `${suite}: no tests`);
  if (!hasTests || results[suite].some(({ failed }) => failed > 0)) process.exitCode = 1;
}
