import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeStores } from '../support/describe-stores.js';
import { eventually } from '../support/eventually.js';
import { startIngest } from '../support/ingest.js';
import { useSite } from '../support/site.js';
import { storedDocuments } from '../support/stored.js';

const appId = 'own-traffic';
const app = fileURLToPath(new URL('../support/instrumented-app.ts', import.meta.url));

describeStores('an app with http, undici and net instrumented', (kind) => {
  const site = useSite(kind, (store) => startIngest({ appId, store }));

  it('records its own requests, and no request of the exporter, across a cut and a reconnect', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', app], {
      env: { ...process.env, BASE_URL: site.network.url, APP_ID: appId, DIRECTORY: site.scratch.path },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    const exit = new Promise((resolve) => child.once('exit', resolve));

    await eventually('the first spans', spanNames, (names) => names.includes('before the cut'));
    site.network.cut();
    child.send('cut');
    await eventually(
      'dialling',
      () => output,
      (text) => text.includes('recorded while cut'),
    );
    site.network.connectTo(site.server.url);
    child.send('restored');
    assert.equal(await exit, 0, output);

    const spans = await storedDocuments(site.store, 'Span');
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
      assert.doesNotMatch(JSON.stringify(span), new RegExp(`\\b${new URL(site.network.url).port}\\b`));
      assert.doesNotMatch(JSON.stringify(span), /baas_at/);
    }
    for (const file of await readdir(site.scratch.path, { recursive: true, withFileTypes: true })) {
      if (!file.isFile() || !file.name.startsWith('telemetry.db')) continue;
      assert.ok(
        !(await readFile(join(file.parentPath, file.name))).includes('baas_at'),
        `baas_at in ${file.name}`,
      );
    }
  }).timeout(60_000);

  async function spanNames(): Promise<string[]> {
    return (await storedDocuments(site.store, 'Span')).map(({ name }) => String(name));
  }
});
