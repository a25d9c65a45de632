import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { errorTable } from '../src/errors.js';
import { runCommand, startIngestProcess, type IngestProcess } from './support/ingest-process.js';
import { ended } from './support/ended.js';
import { createScratch, type Scratch } from './support/scratch.js';
import { storedDocuments } from './support/stored.js';

const checkout = fileURLToPath(new URL('..', import.meta.url));
const readme = await readFile(join(checkout, 'README.md'), 'utf8');
/** Without the padding of its tables. */
const plain = readme.replace(/ +/g, ' ');

/** What snippets import, and where it is in a checkout that was not built. */
const modules: Record<string, string> = {
  realm: join(checkout, 'test/support/engine/realm.mjs'),
  'opentelemetry-exporter-realm': join(checkout, 'src/index.ts'),
  'realm-ingest': join(checkout, 'realm-ingest/src/index.ts'),
};

/** The fenced blocks of one language. A block that imports nothing goes on where the one before it ends. */
function snippets(language: string): string[] {
  const blocks = [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(
    ([, text = '']) => text,
  );
  const goesOn = (text: string): boolean => language === 'js' && !/^import /m.test(text);
  return blocks.map((text, place) => (goesOn(text) ? `${blocks[place - 1] ?? ''}\n${text}` : text));
}

describe('README', function () {
  this.timeout(120_000);
  let scratch: Scratch;
  let server: IngestProcess;

  before(async () => {
    scratch = await createScratch();
    await symlink(join(checkout, 'node_modules'), join(scratch.path, 'node_modules'), 'junction');
    const [serve = ''] = commands('serve');
    server = await startIngestProcess({
      appId: optionOf(serve, '--app-id'),
      store: scratch.store,
      options: argumentsOf(serve).filter((argument) => argument === '--insecure'),
    });
  });

  after(async () => {
    await server.kill();
    await scratch.remove();
  });

  it('has snippets', () => {
    assert.ok(snippets('js').length >= 4);
    assert.equal(snippets('sql').length, 3);
  });

  it('has JavaScript that compiles', async () => {
    const directory = join(scratch.path, 'types');
    await mkdir(directory);
    await Promise.all(
      snippets('js').map((text, place) => writeFile(join(directory, `snippet-${place}.mjs`), text)),
    );
    const paths = {
      ...Object.fromEntries(Object.entries(modules).map(([name, path]) => [name, [path]])),
      realm: [join(checkout, 'test/support/engine/realm.d.mts')],
    };
    const { compilerOptions } = JSON.parse(await readFile(join(checkout, 'tsconfig.json'), 'utf8')) as {
      compilerOptions: object;
    };
    await writeFile(
      join(directory, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          ...compilerOptions,
          ...{ allowJs: true, checkJs: true, noEmit: true, types: ['node'], paths },
          ...{ declaration: false, noUnusedLocals: false },
        },
        include: ['*'],
      }),
    );
    const { code, output } = await run([join(checkout, 'node_modules/typescript/bin/tsc'), '-p', directory]);
    assert.equal(code, 0, output);
  });

  for (const [place, text] of snippets('js').entries()) {
    it(`has JavaScript that runs: snippet ${place + 1}`, async () => {
      const file = join(scratch.path, `snippet-${place}.mjs`);
      const ending = text.includes('process.exit(') ? "process.emit('SIGTERM');" : 'process.exit();';
      await writeFile(file, `${inCheckout(text)}\n${ending}\n`);
      const { code, output } = await run(['--import', 'tsx', file]);
      assert.equal(code, 0, output);
    });
  }

  it('has CommonJS that runs', async () => {
    const [text = ''] = snippets('cjs');
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

  it('has a quick start whose span is stored', async () => {
    const [span] = (await storedDocuments(scratch.store, 'Span')).filter(({ name }) => name === 'say hello');
    assert.equal((span?.resource as { service?: { name: string } } | undefined)?.service?.name, 'hello');
  });

  for (const command of commands('export|keys|dead-letters')) {
    it(`has a command that runs: ${command}`, async () => {
      const child = runCommand(argumentsOf(command));
      const { code, output } = await ended(child);
      assert.equal(code, 0, output);
    });
  }

  for (const query of snippets('sql')) {
    it(`has SQL that runs: ${/-- (.*)/.exec(query)?.[1] ?? query}`, async () => {
      const rows = await ask(scratch.store.replace('sqlite:', ''), query);
      assert.notEqual(rows.trim(), '', 'no rows');
    });
  }

  it('lists every error code with its level and message', () => {
    for (const [code, { level, message }] of Object.entries(errorTable)) {
      assert.ok(plain.includes(`| \`${code}\` | ${level} | ${message} |`), `${code} is missing or differs`);
    }
    const listed = [...plain.matchAll(/^\| `([a-z-]+)` \| (?:debug|info|warn|error) \|/gm)].map(
      ([, code]) => code,
    );
    assert.deepEqual(
      listed.filter((code) => code === undefined || !(code in errorTable)),
      [],
    );
  });

  for (const command of ['serve', 'export', 'keys create', 'dead-letters list']) {
    it(`names every option of \`${command}\``, async () => {
      const { output } = await ended(runCommand([...command.split(' '), '--help']));
      const options = [...output.matchAll(/^\s+(?:-\w, )?(--[a-z-]+)/gm)].map(([, option = '']) => option);
      assert.ok(options.length > 0, output);
      assert.deepEqual(
        options.filter((option) => option !== '--help' && !readme.includes(option)),
        [],
      );
    });
  }

  /** The snippet, with what it imports and whom it calls as they are here. */
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
      .replaceAll('port: 9090', 'port: 0');
  }

  /** The arguments of a `npx realm-ingest …`, with the store in the scratch directory. */
  function argumentsOf(command: string): string[] {
    return command
      .replace(/#.*/, '')
      .replace('npx realm-ingest', '')
      .replaceAll('sqlite:telemetry.db', scratch.store)
      .trim()
      .split(/\s+/);
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

/** The README's `npx realm-ingest` lines whose subcommand is one of `names`. */
function commands(names: string): string[] {
  return snippets('sh')
    .flatMap((text) => text.split('\n'))
    .filter((line) => new RegExp(`^npx realm-ingest (?:${names})\\b`).test(line));
}

function optionOf(command: string, option: string): string {
  return new RegExp(`${option} (\\S+)`).exec(command)?.[1] ?? '';
}

/** Asks the `sqlite3` shell, or libsql where there is none. */
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
