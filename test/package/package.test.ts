import assert from 'node:assert/strict';
import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Esbuild from 'esbuild';
import { runningConsumer, sdkLines, typedConsumer, type SdkLine } from './consumers.js';
import { checkout, execute, programOf, Sandbox } from './sandbox.js';

const NODE_22 = '22.23.3';

const realmEngine = pathToFileURL(join(checkout, 'test', 'support', 'engine', 'realm.mjs')).href;

/** As a careful user compiles: nothing of anybody's types is skipped. */
const strict = {
  strict: true,
  skipLibCheck: false,
  noUncheckedIndexedAccess: true,
  noEmit: true,
  target: 'es2022',
  lib: ['es2022'],
};

/** For types that name Node's: those of the SDK and of realm-ingest. */
const withNodeTypes = { types: ['node'], typeRoots: [join(checkout, 'node_modules', '@types')] };

const nodeNext = { module: 'nodenext', moduleResolution: 'nodenext' };
const bundler = { module: 'esnext', moduleResolution: 'bundler' };

/** What publint says of `imports` in dist's own package.json files: that Node ignores them. */
const nestedImports = 'NESTED_PACKAGE_JSON_FIELD_IGNORED';

/**
 * The package as users get it: built, packed, installed from its tarball beside each line of the SDK. Needs the npm
 * registry.
 */
describe('the packed package', function () {
  this.timeout(600_000);

  let sandbox: Sandbox;

  before(async () => {
    sandbox = await Sandbox.create();
  });

  after(async () => {
    await (sandbox as Sandbox | undefined)?.remove();
  });

  it('holds what is run, its types, and the documents; no tests', async () => {
    const listed = await execute('tar', ['-tzf', sandbox.tarball], { cwd: sandbox.root });
    const files = listed
      .trim()
      .split('\n')
      .map((file) => file.replace(/^package\//, ''));
    const others = files.filter((file) => !/^dist\/(esm|commonjs)\/.*\.(c?js\.map|js|d\.ts)$/.test(file));
    assert.deepEqual(others.sort(), [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'dist/commonjs/package.json',
      'dist/esm/package.json',
      'package.json',
    ]);
    assert.deepEqual(
      files.filter((file) => /test|\.tshy/.test(file)),
      [],
    );
  });

  it('is described by the manifest that is checked in', async () => {
    const [checkedIn, built] = await Promise.all(
      [checkout, sandbox.built].map((root) => readFile(join(root, 'package.json'), 'utf8')),
    );
    assert.deepEqual(
      JSON.parse(built!),
      JSON.parse(checkedIn!),
      'npm run build changes package.json: commit what it makes',
    );
  });

  it('resolves and has the right types everywhere (attw)', async () => {
    await execute(
      process.execPath,
      [
        programOf('@arethetypeswrong/cli', 'dist/index.js'),
        '--profile',
        'node16',
        '--no-color',
        sandbox.tarball,
      ],
      { cwd: sandbox.root },
    );
  });

  it('is clean by publint', async () => {
    const { publint } = await import('publint');
    const { messages } = await publint({ pkgDir: sandbox.built, strict: true, pack: false });
    // Node resolves `imports` by the nearest package.json (its documentation, "Package scope"), as the tests below show.
    const others = messages.filter(({ code }) => code !== nestedImports);
    assert.deepEqual(others, []);
    assert.equal(messages.length, 2, 'one for each build');
  });

  it('bundles for browsers without anything of Node', async () => {
    const entry = join(sandbox.built, 'dist', 'esm', 'index.js');
    const { inputs, text } = await bundle(entry, 'browser');
    assert.ok(inputs.some((input) => input.includes('platform/browser/')));
    assert.deepEqual(
      inputs.filter((input) => input.includes('platform/node/') || input.includes('ingest/')),
      [],
    );
    assert.doesNotMatch(text, /node:|require\(/);
  });

  it('bundles for Node with its files and processes', async () => {
    const { inputs } = await bundle(join(sandbox.built, 'dist', 'esm', 'index.js'), 'node');
    assert.ok(inputs.some((input) => input.includes('platform/node/')));
    assert.deepEqual(
      inputs.filter((input) => input.includes('platform/browser/')),
      [],
    );
  });

  for (const line of sdkLines) describeBeside(line);

  function describeBeside(line: SdkLine): void {
    describe(`beside ${line.name}`, () => {
      let directory: string;

      before(async () => {
        directory = await sandbox.install(line.name, line.packages, {
          'typed.mts': typedConsumer(line),
          'typed.cts': typedConsumer(line),
          'run.mjs': runningConsumer(line, 'esm'),
          'run.cjs': runningConsumer(line, 'commonjs'),
        });
      });

      it('installs, with one core and without any other SDK, Realm or MongoDB', async () => {
        const { dependencies } = JSON.parse(
          await execute('npm', ['ls', '--json', '--all', '--loglevel=error'], { cwd: directory }),
        ) as {
          dependencies: Record<
            string,
            { version: string; dependencies?: Record<string, { version: string }> }
          >;
        };
        const ours = dependencies['opentelemetry-exporter-realm']?.dependencies ?? {};
        const sdk = dependencies[line.tracePackage]?.dependencies ?? {};
        assert.equal(ours['@opentelemetry/core']?.version, sdk['@opentelemetry/core']?.version);
        assert.equal(ours.realm?.version, undefined);
        assert.equal(ours.mongodb?.version, undefined);
      });

      it('compiles in ESM and in CommonJS, nothing skipped', async () => {
        await compile(directory, ['typed.mts', 'typed.cts'], { ...strict, ...withNodeTypes, ...nodeNext });
      });

      it('compiles with exact optional properties, for a bundler', async () => {
        // The types of some SDKs do not hold that themselves.
        const exact = { exactOptionalPropertyTypes: true, skipLibCheck: true };
        await compile(directory, ['typed.mts'], { ...strict, ...withNodeTypes, ...bundler, ...exact });
      });

      for (const node of line.nodes) {
        for (const file of ['run.mjs', 'run.cjs']) {
          it(`runs ${file} on Node ${node} and stores records while offline`, async function () {
            const program = await nodeOf(node);
            if (program === undefined) this.skip();
            const output = await execute(program, [file], {
              cwd: directory,
              env: { REALM_ENGINE: realmEngine, DIRECTORY: await mkdtemp(join(directory, 'data-')) },
            });
            assert.deepEqual(JSON.parse(output), { spooled: 2, dropped: {}, state: 'closed' });
          });
        }
      }
    });
  }

  describe('realm-ingest', () => {
    let directory: string;

    before(async () => {
      directory = await sandbox.install('server', ['@opentelemetry/api@1.9.1'], {
        'exporters.mts': `export * from 'opentelemetry-exporter-realm';`,
        'exporters.cts': `export * from 'opentelemetry-exporter-realm';`,
        'server.mts': `
          import { createIngestServer } from 'opentelemetry-exporter-realm/ingest';
          export type Server = ReturnType<typeof createIngestServer>;`,
        'server.cjs': `
          const { createIngestServer } = require('opentelemetry-exporter-realm/ingest');
          process.stdout.write(typeof createIngestServer);`,
        'server.mjs': `
          import { createIngestServer } from 'opentelemetry-exporter-realm/ingest';
          process.stdout.write(typeof createIngestServer);`,
      });
    });

    it('is a command', async () => {
      const command = join(directory, 'node_modules', '.bin', 'realm-ingest');
      assert.ok((await stat(command)).mode & 0o111);
      assert.match(await execute(command, ['--help'], { cwd: directory }), /serve/);
    });

    it('is a library for ESM and CommonJS, without MongoDB’s driver', async () => {
      for (const file of ['server.mjs', 'server.cjs']) {
        assert.equal(await execute(process.execPath, [file], { cwd: directory }), 'function');
      }
    });

    it('has types that need no package but Node’s', async () => {
      await compile(directory, ['server.mts'], { ...strict, ...withNodeTypes, ...nodeNext });
    });

    it('leaves the exporters’ types free of Node’s', async () => {
      const browser = { exactOptionalPropertyTypes: true, lib: ['es2022', 'dom'], types: [] };
      await compile(directory, ['exporters.mts', 'exporters.cts'], { ...strict, ...nodeNext, ...browser });
    });
  });

  let node22: Promise<string> | undefined;

  /** The program of a major version of Node; undefined where this machine has none. */
  async function nodeOf(major: 20 | 22): Promise<string | undefined> {
    if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
    if (major !== 22 || process.platform !== 'linux' || process.arch !== 'x64') return undefined;
    node22 ??= sandbox.installNode(NODE_22);
    return node22;
  }
});

async function compile(directory: string, files: readonly string[], compilerOptions: object): Promise<void> {
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  const tsc = [programOf('typescript', 'bin/tsc'), '--pretty', 'false', '-p', '.'];
  await execute(process.execPath, tsc, { cwd: directory });
}

/** Bundles a file; esbuild comes with tsx, which runs these tests. */
async function bundle(
  entry: string,
  platform: 'browser' | 'node',
): Promise<{ inputs: string[]; text: string }> {
  const ofTsx = createRequire(programOf('tsx', 'package.json'));
  const { build } = ofTsx('esbuild') as typeof Esbuild;
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    platform,
    format: 'esm',
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  return { inputs: Object.keys(result.metafile.inputs), text: result.outputFiles[0]!.text };
}
