/** Starts the processes of the example, and ends them in every case. */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const packageJson = require.resolve('realm-ingest/package.json');
const { bin } = JSON.parse(readFileSync(packageJson, 'utf8'));
const realmIngest = fileURLToPath(new URL(bin['realm-ingest'], `file://${packageJson}`));
const running = new Set();

/** Kills all processes that still run. */
export function killAll() {
  for (const child of running) child.kill('SIGKILL');
}

/**
 * `realm-ingest serve`.
 *
 * @param options - what follows `serve`
 * @returns its address, and `stop()`, which sends SIGTERM and waits
 */
export async function startIngest(options) {
  const child = watch(spawn(process.execPath, [realmIngest, 'serve', ...options]));
  const url = await firstUrl(child);
  return {
    url,
    async stop() {
      child.kill('SIGTERM');
      const [code] = await once(child, 'exit');
      if (code !== 0) throw failure('realm-ingest', child, code);
    },
  };
}

/** `realm-ingest export`: yields one line for each document. */
export async function* exportDocuments(store, collection) {
  const child = watch(
    spawn(process.execPath, [realmIngest, 'export', '--store', store, '--collection', collection]),
    {
      keepOutput: false,
    },
  );
  const exit = once(child, 'exit');
  yield* createInterface({ input: child.stdout });
  const [code] = await exit;
  if (code !== 0) throw failure('realm-ingest export', child, code);
}

/**
 * A service in its own process, instrumented from outside.
 *
 * @returns its address, its Realm engine, and `finish()`, which returns how much it recorded
 */
export async function startService(name, environment) {
  const child = watch(
    fork(new URL(`${name}.mjs`, import.meta.url), {
      execArgv: ['--import', new URL('instrumentation.mjs', import.meta.url).href],
      env: { ...process.env, ...environment, OTEL_SERVICE_NAME: name },
      silent: true,
    }),
  );
  const { url, engineName } = await message(name, child);
  return {
    url,
    engineName,
    async finish() {
      child.send('finish');
      const { recorded } = await message(name, child);
      return recorded;
    },
  };
}

function watch(child, { keepOutput = true } = {}) {
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.output = '';
  for (const stream of keepOutput ? [child.stdout, child.stderr] : [child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (child.output = (child.output + text).slice(-20_000)));
  }
  return child;
}

/** The address in the line that `serve` prints once it listens. */
function firstUrl(child) {
  return new Promise((resolve, reject) => {
    const look = () => {
      const [url] = child.output.match(/https?:\/\/[\w.:[\]-]+/) ?? [];
      if (url !== undefined) resolve(url);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('exit', (code) => reject(failure('realm-ingest', child, code)));
  });
}

function message(name, child) {
  return new Promise((resolve, reject) => {
    const exited = (code) => reject(failure(name, child, code));
    child.once('exit', exited);
    child.once('message', (received) => {
      child.off('exit', exited);
      resolve(received);
    });
  });
}

function failure(name, child, code) {
  return new Error(`${name} ended with ${code ?? 'a signal'}. Its last words:\n${child.output}`);
}
