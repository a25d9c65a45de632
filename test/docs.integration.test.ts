import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ended } from './support/ended.js';
import { eventually } from './support/eventually.js';
import { runCommand, startIngestProcess, type IngestProcess } from './support/ingest-process.js';
import { createTestDatabase, mongodbUri } from './support/mongodb/test-database.js';
import { checkout, snippets, type Snippet } from './support/pages.js';
import { createScratch, type Scratch } from './support/scratch.js';
import { skip } from './support/skip.js';
import { storedDocuments } from './support/stored.js';

/** What snippets import, and where it is in a checkout that was not built. */
const modules: Record<string, string> = {
  realm: join(checkout, 'test/support/engine/realm.mjs'),
  'opentelemetry-exporter-realm': join(checkout, 'src/index.ts'),
  'realm-ingest': join(checkout, 'realm-ingest/src/index.ts'),
};

/** Of the package `express`, what the pages use: it has no types of its own. */
const expressTypes = `
interface Response { type(type: string): Response; send(body: string): void }
interface App {
  get(path: string, handler: (request: unknown, response: Response) => void): void;
  listen(port: number): import('node:http').Server;
}
declare function express(): App;
export default express;
`;

/** Those for mongosh have tests of their own. */
const programs = snippets('js').filter(({ page }) => page !== 'docs/mongodb.md');

/** What a program of a page is given to do before it ends. */
function endingOf({ text }: Snippet): string {
  if (text.includes("from 'express'")) {
    return [
      "if (!web.listening) await new Promise((resolve) => web.once('listening', resolve));",
      'const answer = await fetch(`http://127.0.0.1:${web.address().port}/metrics`);',
      'console.log(await answer.text());',
      "process.emit('SIGTERM');",
    ].join('\n');
  }
  return text.includes('process.exit(') ? "process.emit('SIGTERM');" : 'process.exit();';
}

describe('the pages', function () {
  this.timeout(120_000);
  let scratch: Scratch;
  let server: IngestProcess;

  before(async () => {
    scratch = await createScratch();
    await symlink(join(checkout, 'node_modules'), join(scratch.path, 'node_modules'), 'junction');
    server = await startIngestProcess({ appId: 'my-app', store: scratch.store });
  });

  after(async () => {
    await server.kill();
    await scratch.remove();
  });

  it('have snippets', () => {
    const pagesOf = (found: readonly Snippet[]): Set<string> => new Set(found.map(({ page }) => page));
    assert.ok(programs.length >= 8, `${programs.length} programs`);
    assert.ok(pagesOf(programs).has('README.md') && pagesOf(programs).has('realm-ingest/README.md'));
    assert.equal(snippets('cjs').length, 1);
    assert.ok(snippets('sql').length >= 4);
    assert.ok(commands('serve').length >= 2);
  });

  it('have JavaScript that compiles', async () => {
    const directory = join(scratch.path, 'types');
    await mkdir(directory);
    await Promise.all(
      programs.map((snippet) => writeFile(join(directory, `${nameOf(snippet)}.mjs`), snippet.text)),
    );
    const paths = {
      ...Object.fromEntries(Object.entries(modules).map(([name, path]) => [name, [path]])),
      'opentelemetry-exporter-realm/wire': [join(checkout, 'src/wire/index.ts')],
      realm: [join(checkout, 'test/support/engine/realm.d.mts')],
      express: [join(directory, 'express.d.mts')],
    };
    await writeFile(join(directory, 'express.d.mts'), expressTypes);
    const { compilerOptions } = JSON.parse(await readFile(join(checkout, 'tsconfig.json'), 'utf8')) as {
      compilerOptions: object;
    };
    await writeFile(
      join(directory, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          ...compilerOptions,
          ...{ allowJs: true, checkJs: true, noEmit: true, types: ['node'], paths },
          ...{ declaration: false, noUnusedLocals: false, noUnusedParameters: false },
        },
        include: ['*'],
      }),
    );
    const { code, output } = await run([join(checkout, 'node_modules/typescript/bin/tsc'), '-p', directory]);
    assert.equal(code, 0, output);
  });

  for (const snippet of programs) {
    it(`have JavaScript that runs: ${snippet.page}, line ${snippet.line}`, async () => {
      const file = join(scratch.path, `${nameOf(snippet)}.mjs`);
      await writeFile(file, `${inCheckout(snippet.text)}\n${endingOf(snippet)}\n`);
      const { code, output } = await run(['--import', 'tsx', file]);
      assert.equal(code, 0, output);
      if (snippet.text.includes("'/metrics'")) assert.match(output, /^realm_ingest_connections 0$/m);
    });
  }

  for (const { page, line, text } of snippets('cjs')) {
    it(`have CommonJS that runs: ${page}, line ${line}`, async () => {
      const preload = join(scratch.path, 'preload.mjs');
      const file = join(scratch.path, 'snippet.cjs');
      await writeFile(
        preload,
        `globalThis.realmOfTest = (await import(${JSON.stringify(modules.realm)})).default;`,
      );
      await writeFile(
        file,
        `${inCheckout(text).replace("require('realm')", 'globalThis.realmOfTest')}\nprocess.exit();\n`,
      );
      const { code, output } = await run(['--import', 'tsx', '--import', preload, file]);
      assert.equal(code, 0, output);
    });
  }

  it('have a quick start whose span is stored', async () => {
    const [span] = (await storedDocuments(scratch.store, 'Span')).filter(({ name }) => name === 'say hello');
    assert.equal((span?.resource as { service?: { name: string } } | undefined)?.service?.name, 'hello');
  });

  for (const command of commands('export|keys|dead-letters|secret')) {
    it(`have a command that runs: ${command}`, async () => {
      const { code, output } = await ended(runCommand(argumentsOf(command, scratch.store)));
      assert.equal(code, 0, output);
    });
  }

  for (const command of commands('serve')) {
    it(`have a server that starts, and ends on SIGTERM: ${command}`, async function () {
      if (!command.includes('$MONGODB_URI')) {
        await startAndStop(command, `sqlite:${join(scratch.path, 'own.db')}`);
        return;
      }
      if (mongodbUri === undefined || mongodbUri === '') skip(this, 'no MONGODB_URI');
      const database = await createTestDatabase();
      try {
        await startAndStop(command, database.uri);
      } finally {
        await database.remove();
      }
    });
  }

  for (const { page, text } of snippets('sql')) {
    it(`have SQL that runs: ${page}, ${/-- (.*)/.exec(text)?.[1] ?? text}`, async () => {
      const rows = await ask(scratch.store.replace('sqlite:', ''), text);
      assert.notEqual(rows.trim(), '', 'no rows');
    });
  }

  async function startAndStop(command: string, store: string): Promise<void> {
    const args = argumentsOf(command, store);
    const port = args.indexOf('--port');
    if (port < 0) args.push('--port', '0');
    else args[port + 1] = '0';
    const child = runCommand(args);
    const end = ended(child);
    let output = '';
    child.stdout?.on('data', (text: string) => (output += text));
    await eventually(
      'a server that listens',
      () => output,
      (text) => text.includes('is listening on'),
      60_000,
    );
    child.kill('SIGTERM');
    const { code, output: log } = await end;
    assert.equal(code, 0, log);
  }

  /** The snippet, with its imports and addresses replaced by those of this test. */
  function inCheckout(text: string): string {
    return text
      .replace(/from '([^']+)'/g, (whole, name: string) =>
        modules[name] === undefined ? whole : `from '${pathToFileURL(modules[name]).href}'`,
      )
      .replace(/require\('([^']+)'\)/g, (whole, name: string) =>
        modules[name] === undefined || name === 'realm' ? whole : `require('${modules[name]}')`,
      )
      .replaceAll('http://127.0.0.1:9090', server.url)
      .replaceAll('sqlite:telemetry.db', `sqlite:${join(scratch.path, 'library.db')}`)
      .replaceAll('port: 9090', 'port: 0')
      .replaceAll('listen(8080)', "listen(0, '127.0.0.1')");
  }

  async function run(args: string[]): Promise<{ code: unknown; output: string }> {
    return ended(
      spawn(process.execPath, args, {
        cwd: scratch.path,
        env: {
          ...process.env,
          XDG_STATE_HOME: join(scratch.path, 'state'),
          LOCALAPPDATA: join(scratch.path, 'state'),
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
  }
});

function nameOf({ page, line }: Snippet): string {
  return `${page.replace(/\W+/g, '-')}-${line}`;
}

/** The `npx realm-ingest` lines of the pages whose subcommand is one of `names`, each once. */
function commands(names: string): string[] {
  const lines = snippets('sh')
    .flatMap(({ text }) => text.split('\n'))
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => new RegExp(`^npx realm-ingest (?:${names})\\b`).test(line));
  return [...new Set(lines)];
}

/** The arguments of a `npx realm-ingest …`, with another store. */
function argumentsOf(command: string, store: string): string[] {
  return command
    .replace('npx realm-ingest', '')
    .replace(/"\$MONGODB_URI"|sqlite:telemetry\.db/g, () => store)
    .trim()
    .split(/\s+/);
}

/** Asks the `sqlite3` shell, or libsql if there is none. */
async function ask(path: string, query: string): Promise<string> {
  const shell = spawn('sqlite3', ['-readonly', '-bail', path], { stdio: ['pipe', 'pipe', 'pipe'] });
  const missing = await new Promise<boolean>((resolve) => {
    shell.once('spawn', () => {
      resolve(false);
    });
    shell.once('error', () => {
      resolve(true);
    });
  });
  if (!missing) {
    shell.stdin.end(query);
    const { code, output } = await ended(shell);
    assert.equal(code, 0, output);
    return output;
  }
  const { default: Database } = await import('libsql');
  const database = new Database(path, { readonly: true });
  try {
    return database
      .prepare(query)
      .all()
      .map((row) => JSON.stringify(row))
      .join('\n');
  } finally {
    database.close();
  }
}
