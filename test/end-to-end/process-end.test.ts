import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { startIngest, type Ingest } from '../support/ingest.js';
import { Network } from '../support/network.js';
import { createScratch, type Scratch } from '../support/scratch.js';
import { storedDocuments } from '../support/stored.js';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const appId = 'my-app';

/** What README tells an app to do about its end, with everything before it. */
const recipe = await readRecipe();

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly millis: number;
}

describe("an app with batch processors and README's recipe for its end", function () {
  this.timeout(120_000);
  let scratch: Scratch;
  let network: Network;
  let server: Ingest;

  beforeEach(async () => {
    scratch = await createScratch();
    await symlink(join(checkout, 'node_modules'), join(scratch.path, 'node_modules'), 'junction');
    network = await Network.create();
    server = await startIngest({ appId, store: scratch.store });
    network.connectTo(server.url);
  });

  afterEach(async () => {
    await server.close();
    await network.close();
    await scratch.remove();
  });

  for (const { how, last, code, says } of [
    { how: 'SIGTERM', last: `process.kill(process.pid, 'SIGTERM');`, code: 0, says: /^$/ },
    {
      how: 'two signals',
      last: `process.kill(process.pid, 'SIGTERM'); process.kill(process.pid, 'SIGINT');`,
      code: 0,
      says: /^$/,
    },
    { how: 'the end of its work', last: 'end();', code: 0, says: /^$/ },
    {
      how: 'beforeExit',
      last: `process.exitCode = 3; process.emit('beforeExit', process.exitCode);`,
      code: 3,
      says: /^$/,
    },
    {
      how: 'an uncaught exception',
      last: `setTimeout(() => { throw new TypeError('the app broke'); });`,
      code: 1,
      says: /TypeError: the app broke\n\s+at /,
    },
    {
      how: 'a rejection that nobody handles',
      last: `void Promise.reject(new TypeError('the app broke'));`,
      code: 1,
      says: /TypeError: the app broke\n\s+at /,
    },
  ]) {
    it(`delivers what was recorded just before ${how}, and exits with ${code}`, async () => {
      const ended = await run(`${record}\n${last}`);
      assert.deepEqual([ended.code, ended.signal], [code, null], ended.output);
      assert.match(errorsIn(ended.output), says);
      assert.deepEqual(await stored(), ['last span', 'last log']);
    });
  }

  it('ends within the bound of the exporters, and says what remains, when there is no server', async () => {
    network.cut();
    const ended = await run(`${speak}\n${record}\nend();`);
    assert.equal(ended.code, 0, ended.output);
    assert.ok(ended.millis < 30_000, `${ended.millis}`);
    assert.match(ended.output, /2 records that no server has acknowledged remain/);
  });

  it('ends within that bound when the server has stopped to answer', async () => {
    const ended = await run(
      `${speak}\nawait connection.realm;\nawait connection.flush();
process.send('cut');
await new Promise((resolve) => process.once('message', resolve));
${record}\nend();`,
      () => {
        network.silenceServer();
      },
    );
    assert.equal(ended.code, 0, ended.output);
    assert.ok(ended.millis < 30_000, `${ended.millis}`);
    assert.match(ended.output, /2 records that no server has acknowledged remain/);
  });

  it('exits all the same when its SDK cannot shut down', async () => {
    const ended = await run(`await connection.close();\n${record}\nend();`);
    assert.equal(ended.code, 0, ended.output);
    assert.match(ended.output, /connection is closed/);
  });

  async function stored(): Promise<unknown[]> {
    const [spans, logs] = await Promise.all(
      ['Span', 'LogRecord'].map((collection) => storedDocuments(scratch.store, collection)),
    );
    return [...(spans ?? []).map(({ name }) => name), ...(logs ?? []).map(({ body }) => body)];
  }

  async function run(rest: string, onMessage: () => void = () => undefined): Promise<Ended> {
    const file = join(scratch.path, 'app.mjs');
    await writeFile(file, `${recipe.replace('http://127.0.0.1:9090', network.url)}\n${rest}\n`);
    const begun = performance.now();
    const child = spawn(process.execPath, ['--import', 'tsx', file], {
      cwd: scratch.path,
      env: { ...process.env, XDG_STATE_HOME: scratch.path, LOCALAPPDATA: scratch.path },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    child.on('message', () => {
      onMessage();
      child.send('done');
    });
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    return { code, signal, output, millis: performance.now() - begun };
  }
});

const record = `
const { trace } = await import('@opentelemetry/api');
const { logs } = await import('@opentelemetry/api-logs');
trace.getTracer('app').startSpan('last span').end();
logs.getLogger('app').emit({ body: 'last log' });`;

const speak = `
const { diag, DiagConsoleLogger, DiagLogLevel } = await import('@opentelemetry/api');
diag.setLogger(new DiagConsoleLogger(), { logLevel: DiagLogLevel.INFO, suppressOverrideMessage: true });`;

/** Without what the engine and the SDK say themselves. */
function errorsIn(output: string): string {
  return output.includes('the app broke') ? output : '';
}

async function readRecipe(): Promise<string> {
  const readme = await readFile(join(checkout, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/^```js\n(.*?)^```/gms)].map(([, text = '']) => text);
  const text = blocks.find((block) => block.includes('function end('));
  assert.ok(text, 'README has no recipe for the end of a process');
  const urlOf = (path: string): string => pathToFileURL(join(checkout, path)).href;
  return text
    .replace("'realm'", `'${urlOf('test/support/engine/realm.mjs')}'`)
    .replace("'opentelemetry-exporter-realm'", `'${urlOf('src/index.ts')}'`);
}
