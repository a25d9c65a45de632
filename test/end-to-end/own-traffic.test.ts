import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.js';
import { startIngest, type Ingest } from './ingest.js';
import { Network } from './network.js';
import { createScratch, type Scratch } from './scratch.js';
import { storedDocuments } from './stored.js';

const appId = 'own-traffic';
const app = fileURLToPath(new URL('instrumented-app.ts', import.meta.url));

describe('an app with http, undici and net instrumented', () => {
  let scratch: Scratch;
  let network: Network;
  let server: Ingest;

  before(async () => {
    scratch = await createScratch();
    network = await Network.create();
    server = await startIngest({ appId, store: scratch.store });
    network.connectTo(server.url);
  });

  after(async () => {
    await server.close();
    await network.close();
    await scratch.remove();
  });

  it('records its own requests, and none that the exporter makes, over a cut and a reconnect', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', app], {
      env: { ...process.env, BASE_URL: network.url, APP_ID: appId, DIRECTORY: scratch.path },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    const exit = new Promise((resolve) => child.once('exit', resolve));

    await eventually('the first spans', spanNames, (names) => names.includes('before the cut'));
    network.cut();
    child.send('cut');
    await eventually(
      'dialling',
      () => output,
      (text) => text.includes('recorded while cut'),
    );
    network.connectTo(server.url);
    child.send('restored');
    assert.equal(await exit, 0, output);

    const spans = await storedDocuments(scratch.store, 'Span');
    const own = spans.filter((span) => (span.scope as { name: string }).name === 'app');
    assert.deepEqual(own.map(({ name }) => name).sort(), ['after the cut', 'before the cut', 'while cut']);
    const instrumentations = new Set(spans.map((span) => (span.scope as { name: string }).name));
    for (const name of ['http', 'undici', 'net']) {
      assert.ok(
        instrumentations.has(`@opentelemetry/instrumentation-${name}`),
        `${name} is not instrumented`,
      );
    }
    for (const span of spans) {
      assert.doesNotMatch(JSON.stringify(span), new RegExp(`\\b${new URL(network.url).port}\\b`));
    }
    for (const file of await readdir(scratch.path, { recursive: true, withFileTypes: true })) {
      if (!file.isFile() || !file.name.startsWith('telemetry.db')) continue;
      assert.ok(
        !(await readFile(join(file.parentPath, file.name))).includes('baas_at'),
        `baas_at in ${file.name}`,
      );
    }
  }).timeout(60_000);

  async function spanNames(): Promise<string[]> {
    return (await storedDocuments(scratch.store, 'Span')).map(({ name }) => String(name));
  }
});
