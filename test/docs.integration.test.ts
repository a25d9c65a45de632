import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { deadLetterReasons } from '../realm-ingest/src/store/store.js';
import { ended } from './support/ended.js';
import { createScratch, type Scratch } from './support/scratch.js';

const checkout = fileURLToPath(new URL('..', import.meta.url));
const documents = [
  'README.md',
  'CHANGELOG.md',
  ...(await readdir(join(checkout, 'docs'))).map((name) => join('docs', name)),
];
const running = await readFile(join(checkout, 'docs/running.md'), 'utf8');

describe('the documents', () => {
  for (const document of documents) {
    it(`${document} links to what is there`, async () => {
      const text = await readFile(join(checkout, document), 'utf8');
      const broken: string[] = [];
      for (const [, target = ''] of withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        const [path = '', anchor] = target.split('#', 2);
        const file = path === '' ? join(checkout, document) : join(checkout, dirname(document), path);
        if (!existsSync(file)) broken.push(target);
        else if (anchor !== undefined && !anchorsOf(await readFile(file, 'utf8')).has(anchor))
          broken.push(target);
      }
      assert.deepEqual(broken, []);
    });
  }
});

describe('docs/running.md', function () {
  this.timeout(30_000);
  let scratch: Scratch;

  before(async () => {
    scratch = await createScratch();
    await symlink(join(checkout, 'node_modules'), join(scratch.path, 'node_modules'), 'junction');
  });

  after(() => scratch.remove());

  it('says what to do with every dead letter', () => {
    const section = /^## Dead letters\n(.*?)^## /ms.exec(running)?.[1] ?? '';
    assert.deepEqual(
      deadLetterReasons.filter((reason) => !section.includes(`\`${reason}\``)),
      [],
    );
  });

  it('has a server that runs, serves its metrics, and ends on SIGTERM', async () => {
    const [, text = ''] = /^```js\n(.*?)^```/ms.exec(running) ?? [];
    const library = pathToFileURL(join(checkout, 'realm-ingest/src/index.ts')).href;
    const file = join(scratch.path, 'server.mjs');
    const ending = [
      "if (!web.listening) await new Promise((resolve) => web.once('listening', resolve));",
      'const answer = await fetch(`http://127.0.0.1:${web.address().port}/metrics`);',
      'console.log(await answer.text());',
      "process.emit('SIGTERM');",
    ];
    await writeFile(
      file,
      `${text
        .replace('realm-ingest', library)
        .replace('sqlite:telemetry.db', scratch.store)
        .replace('port: 9090', 'port: 0')
        .replace('listen(8080)', "listen(0, '127.0.0.1')")}\n${ending.join('\n')}\n`,
    );
    const { code, output } = await ended(
      spawn(process.execPath, ['--import', 'tsx', file], {
        cwd: scratch.path,
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    assert.equal(code, 0, output);
    assert.match(output, /^realm_ingest_connections 0$/m);
  });

  it('has a DELETE that spares what is new', async () => {
    const [, statement = ''] = /telemetry\.db "(DELETE [^"]+)"/.exec(running) ?? [];
    assert.match(statement, /^DELETE FROM documents WHERE /);
    const { default: Database } = await import('libsql');
    const database = new Database(':memory:');
    database.exec('CREATE TABLE documents (document TEXT)');
    const insert = database.prepare('INSERT INTO documents VALUES (?)');
    for (const days of [29, 31]) {
      const receivedAt = new Date(Date.now() - days * 86_400_000).toISOString();
      insert.run(JSON.stringify({ days, ingest: { receivedAt } }));
    }
    database.exec(statement.replaceAll('\\$', '$'));
    assert.deepEqual(database.prepare("SELECT document ->> '$.days' AS days FROM documents").all(), [
      { days: 29 },
    ]);
    database.close();
  });
});

function withoutCode(text: string): string {
  return text.replace(/^```.*?^```/gms, '').replace(/`[^`\n]*`/g, '`');
}

/** As GitHub and npm make them of headings. */
function anchorsOf(text: string): Set<string> {
  const headings = [...text.replace(/^```.*?^```/gms, '').matchAll(/^#+ (.*)$/gm)];
  return new Set(
    headings.map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-'),
    ),
  );
}
