import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { deadLetterReasons } from '../realm-ingest/src/store/store.js';
import { logRecordFields, spanFields } from '../realm-ingest/src/telemetry/telemetry-fields.js';
import { runHere } from '../realm-ingest/test/support/run-command.js';
import { interfaceMembers } from './support/interface-members.js';
import { checkout, namesInTables, pageAt, pages, sectionOf, snippets } from './support/pages.js';

describe('the pages', () => {
  it('are found', () => {
    const paths = pages.map(({ path }) => path);
    for (const path of ['README.md', 'docs/server.md', 'docs/protocol/README.md', 'realm-ingest/README.md']) {
      assert.ok(paths.includes(path), path);
    }
  });

  for (const { path, text } of pages) {
    it(`${path} links to what is there`, () => {
      const broken: string[] = [];
      for (const [, target = ''] of withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        const [link = '', anchor] = target.split('#', 2);
        const file = link === '' ? join(checkout, path) : join(checkout, dirname(path), link);
        if (!existsSync(file)) broken.push(target);
        else if (anchor !== undefined && !anchorsOf(readFileSync(file, 'utf8')).has(anchor)) {
          broken.push(target);
        }
      }
      assert.deepEqual(broken, []);
    });

    it(`${path} names files that are there`, () => {
      const code = [...text.matchAll(/`([^`\n]+)`|^```sh\n(.*?)^```/gms)].map(
        (match) => match[1] ?? match[2] ?? '',
      );
      const paths = code.flatMap((part) => [
        ...part.matchAll(
          /(?<![\w./@<$~-])(?:\.\/)?((?:src|test|docs|examples|bench|realm-ingest)\/[\w./-]+)/g,
        ),
      ]);
      assert.deepEqual(
        paths.map(([, named = '']) => named).filter((named) => !existsSync(join(checkout, named))),
        [],
      );
    });
  }

  it('describe the architecture with files, classes and methods that exist', () => {
    const { text } = pageAt('ARCHITECTURE.md');
    const roots = ['src', 'realm-ingest/src'];
    const files = [...text.matchAll(/`((?:[\w-]+\/)*[\w-]+\.ts)`/g)].map(([, file = '']) => file);
    assert.ok(files.length > 30);
    assert.deepEqual(
      files.filter((file) => !['', ...roots].some((root) => existsSync(join(checkout, root, file)))),
      [],
    );
    const classes = roots.flatMap((root) =>
      readdirSync(join(checkout, root), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .map((file) => readFileSync(join(checkout, root, file), 'utf8')),
    );
    const methods = [...text.matchAll(/`([A-Z]\w+)\.(#?\w+)`/g)];
    assert.ok(methods.length > 20);
    const missing = methods.filter(
      ([, name = '', method = '']) =>
        !classes.some(
          (source) =>
            new RegExp(`\\b(?:class|interface) ${name}\\b`).test(source) &&
            new RegExp(`^  (?:async |readonly )?\\*?${method}\\b`, 'm').test(source),
        ),
    );
    assert.deepEqual(
      missing.map(([whole]) => whole),
      [],
    );
  });

  it('run npm scripts that there are', () => {
    const { scripts } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const named = snippets('sh').flatMap(({ text }) => [...text.matchAll(/\bnpm run ([\w:]+)/g)]);
    assert.ok(named.length > 5);
    assert.deepEqual(
      named.map(([, name = '']) => name).filter((name) => !(name in scripts)),
      [],
    );
  });

  it('end with one license', () => {
    const [root, ingest] = ['LICENSE', 'realm-ingest/LICENSE'].map((path) =>
      readFileSync(join(checkout, path), 'utf8'),
    );
    assert.equal(ingest, root);
  });

  it('begin with one that is short', () => {
    for (const path of ['README.md', 'realm-ingest/README.md']) {
      const lines = pageAt(path).text.trimEnd().split('\n').length;
      assert.ok(lines <= 200, `${path} has ${lines} lines`);
    }
  });
});

describe('docs/exporter.md', () => {
  for (const [section, source, interfaces] of [
    ['connect(options)', 'src/delivery/connect.ts', /ConnectOptions$/],
    [
      'Exporters',
      'src/exporter/exporter-options.ts',
      /^(?:RealmExporterSettings|(?:Connection|RealmInstance)ExporterOptions)$/,
    ],
    ['The connection', 'src/delivery/connection.ts', /^Connection$/],
    ['Status', 'src/delivery/connection-status.ts', /^ConnectionStatus$/],
  ] as const) {
    it(`has the members of ${source} in the section ${section}, and no others`, () => {
      const heading = section === 'connect(options)' ? '`connect(options)`' : section;
      const [, text = ''] = sectionOf('docs/exporter.md', heading).split(/^#+ .*$/m);
      const documented = namesInTables(text).map((name) => name.replace(/\(.*/, ''));
      const members = interfaceMembers(source, interfaces);
      assert.ok(members.length > 4, members.join());
      assert.deepEqual([...new Set(documented)].sort(), [...members].sort());
    });
  }
});

describe('docs/server.md', () => {
  let commands: Map<string, string[]>;

  before(async () => {
    commands = await readCommands();
  });

  it('names every command', () => {
    const documented = namesInTables(sectionOf('docs/server.md', 'Commands'));
    const missing = [...commands.keys()].filter(
      (command) => !documented.some((cell) => cell === command || cell.startsWith(`${command} `)),
    );
    assert.deepEqual(missing, []);
    assert.ok(commands.size >= 10, [...commands.keys()].join());
  });

  it('names every option of every command, and no others', () => {
    const known = new Set([...commands.values()].flat());
    const named = new Set(
      namesInTables(pageAt('docs/server.md').text).filter((name) => name.startsWith('--')),
    );
    for (const option of pageAt('docs/server.md').text.matchAll(/`[^`\n]*?(--[a-z-]+)[^`\n]*`/g)) {
      named.add(option[1] ?? '');
    }
    const options = [...named].map((option) => option.split(' ')[0] ?? '');
    assert.ok(known.has('--max-dead-letter-bytes'));
    assert.deepEqual([...known].filter((option) => !options.includes(option)).sort(), []);
    assert.deepEqual(options.filter((option) => !known.has(option)).sort(), []);
  });

  it('names every option of `serve` in its table', () => {
    const documented = namesInTables(sectionOf('docs/server.md', '`serve`'));
    const options = commands.get('serve') ?? [];
    assert.deepEqual(
      options.filter((option) => option !== '--help' && !documented.includes(option)).sort(),
      [],
    );
  });

  it('names every option of the library, or the option of `serve` that it goes by', () => {
    const { text } = pageAt('docs/server.md');
    const options = interfaceMembers('realm-ingest/src/server/ingest-options.ts', /^IngestServerOptions$/);
    assert.ok(options.length > 15);
    const missing = options.filter((option) => {
      const flag = `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
      return !text.includes(`\`${flag}\``) && !text.includes(`\`${option}\``);
    });
    assert.deepEqual(missing, []);
  });

  it('is not the only page whose commands have options that exist', () => {
    const lines = pages.flatMap(({ path, text }) =>
      [
        ...asCommandLines(text).matchAll(
          /\brealm-ingest (serve|export|keys \w+|dead-letters \w+|secret)\b([^\n`]*)/g,
        ),
      ].map(([, command = '', tail = '']) => ({ path, command, tail: tail.replace(/#.*/, '') })),
    );
    assert.ok(lines.length > 8, `${lines.length} commands`);
    for (const { path, command, tail } of lines) {
      const known = commands.get(command);
      assert.ok(known, `${path}: there is no command ${command}`);
      for (const [option] of tail.matchAll(/--[a-z-]+/g)) {
        assert.ok(known.includes(option), `${path}: ${command} has no ${option}`);
      }
    }
  });

  /** The options of each command, as `--help` prints them. */
  async function readCommands(): Promise<Map<string, string[]>> {
    const found = new Map<string, string[]>();
    const visit = async (path: readonly string[]): Promise<void> => {
      const { stdout } = await runHere(...path, '--help');
      const [, list] = stdout.split(/^Commands:$/m);
      if (list === undefined) {
        const options = [...stdout.matchAll(/^\s+(?:-\w, )?(--[a-z-]+)|, (--[a-z-]+)/gm)];
        found.set(
          path.join(' '),
          options.map((match) => match[1] ?? match[2] ?? ''),
        );
        return;
      }
      for (const [, name = ''] of list.matchAll(/^ {2}([a-z-]+)/gm)) {
        if (name !== 'help') await visit([...path, name]);
      }
    };
    await visit([]);
    return found;
  }
});

describe('docs/data-model.md', () => {
  for (const [collection, fields] of [
    ['Span', spanFields],
    ['LogRecord', logRecordFields],
  ] as const) {
    it(`has every field of a ${collection}, and no others`, () => {
      const sections = [`\`${collection}\``, 'Both'].map((heading) =>
        sectionOf('docs/data-model.md', heading),
      );
      const documented = sections.flatMap(namesInTables).map((name) => name.replace('[]', ''));
      const stored = ['_id', ...fields.inOrder.map(({ name }) => name), 'ingest'];
      assert.deepEqual(documented.sort(), stored.sort());
    });
  }
});

describe('docs/operations.md', () => {
  it('says what to do with every dead letter', () => {
    const section = sectionOf('docs/operations.md', 'Dead letters');
    assert.deepEqual(
      deadLetterReasons.filter((reason) => !namesInTables(section).includes(reason)),
      [],
    );
  });

  it('quotes what the packages say', () => {
    const { text } = pageAt('docs/operations.md');
    const sources = ['src', 'realm-ingest/src'].flatMap((folder) =>
      readdirSync(join(checkout, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => readFileSync(join(checkout, folder, name), 'utf8')),
    );
    for (const quoted of [
      'cannot find app using Client App ID',
      'is not enabled',
      'invalid API key',
      'is skipped: another process',
    ]) {
      assert.ok(text.includes(quoted), `the page does not quote "${quoted}"`);
      assert.ok(
        sources.some((source) => source.includes(quoted)),
        `nothing says "${quoted}"`,
      );
    }
  });

  it('has a DELETE that spares what is new', async () => {
    const [, statement = ''] = /telemetry\.db "(DELETE [^"]+)"/.exec(pageAt('docs/operations.md').text) ?? [];
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

/** With the command of a Dockerfile as one would type it. */
function asCommandLines(text: string): string {
  return text.replace(/^CMD (\[.*\])$/gm, (_, list: string) =>
    ['realm-ingest', ...(JSON.parse(list) as string[])].join(' '),
  );
}

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
