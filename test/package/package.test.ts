import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { eventually } from '../support/eventually.js';
import { skip } from '../support/skip.js';
import {
  runningConsumer,
  sdkLines,
  serverConsumers,
  typedConsumer,
  wireConsumers,
  type NodeMajor,
  type SdkLine,
} from './consumers.js';
import { checkout, execute, manifestOf, packageNames, programOf, Sandbox } from './sandbox.js';

const otherNodes: Partial<Record<NodeMajor, string>> = { 20: '20.19.6', 22: '22.23.3', 24: '24.21.0' };

/** A package beside the API is to bring no more than this many, itself included. */
const maxPackages = 5;

const pnpmLine = sdkLines.find(({ name }) => name === 'sdk-2.12.1')!;

const realmEngine = pathToFileURL(join(checkout, 'test', 'support', 'engine', 'realm.mjs')).href;

/** As a careful user compiles: nobody's types are skipped. */
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

/** Publint's message about `imports` in the package.json files of `dist`. */
const nestedImports = 'NESTED_PACKAGE_JSON_FIELD_IGNORED';

/** The packages as users get them: built, packed, and installed from their tarballs. Needs the npm registry. */
describe('the packed packages', function () {
  this.timeout(300_000);

  let sandbox: Sandbox;
  const exporter = () => sandbox.packed['opentelemetry-exporter-realm'];
  const server = () => sandbox.packed['realm-ingest'];

  /** Projects of users, by name. */
  const projects: Record<string, string> = {};
  let pnpm: string;

  before(async () => {
    sandbox = await Sandbox.create();
    const install = async (name: string, packages: readonly string[], files: Record<string, string>) => {
      projects[name] = await sandbox.npmInstall(name, packages, files);
    };
    const tarballs = [exporter().tarball, server().tarball];
    const alone = {
      'exporters.mts': `export * from 'opentelemetry-exporter-realm';`,
      'exporters.cts': `export * from 'opentelemetry-exporter-realm';`,
      ...wireConsumers,
    };
    await Promise.all([
      install('exporter', [exporter().tarball, '@opentelemetry/api@1.9.1'], alone),
      install('server', [...tarballs, '@opentelemetry/api@1.9.1'], serverConsumers),
      ...sdkLines.map((line) =>
        install(line.name, [exporter().tarball, ...line.packages], exporterConsumers(line)),
      ),
      sandbox
        .pnpmInstall('by-pnpm', [...tarballs, ...pnpmLine.packages, '@opentelemetry/api-logs@0.223.1'], {
          ...exporterConsumers(pnpmLine),
          ...serverConsumers,
        })
        .then((installed) => {
          pnpm = installed.pnpm;
          projects['by-pnpm'] = installed.directory;
        }),
    ]);
  });

  after(async () => {
    await (sandbox as Sandbox | undefined)?.remove();
  });

  for (const name of packageNames) {
    describe(name, () => {
      it('holds what is run, its types and its documents', () => {
        const { files } = sandbox.packed[name];
        const others = files.filter((file) => !/^dist\/(esm|commonjs)\/.*\.(js|d\.ts)$/.test(file));
        assert.deepEqual(others.sort(), [
          'CHANGELOG.md',
          'LICENSE',
          'README.md',
          ...(name === 'realm-ingest' ? ['bin/realm-ingest.js'] : []),
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
        const { built } = sandbox.packed[name];
        const checkedIn = name === 'realm-ingest' ? join(checkout, name) : checkout;
        assert.deepEqual(
          await manifestOf(built),
          await manifestOf(checkedIn),
          'npm run build changes package.json: commit what it makes',
        );
      });

      it('has the version of its manifest', async () => {
        const { built } = sandbox.packed[name];
        const versionFile = pathToFileURL(join(built, 'dist', 'esm', 'version.js')).href;
        const { packageVersion } = (await import(versionFile)) as { packageVersion: string };
        assert.equal(packageVersion, (await manifestOf(built)).version);
      });

      it('resolves and has the right types everywhere (attw)', async () => {
        const attw = programOf('@arethetypeswrong/cli', 'dist/index.js');
        const args = [attw, '--profile', 'node16', '--no-color', sandbox.packed[name].tarball];
        await execute(process.execPath, args, { cwd: sandbox.root });
      });

      it('is clean by publint', async () => {
        const { publint } = await import('publint');
        const { messages } = await publint({ pkgDir: sandbox.packed[name].built, strict: true, pack: false });
        // Node does resolve `imports` by the nearest package.json, as the tests below show.
        const others = messages.filter(({ code }) => code !== nestedImports);
        assert.deepEqual(others, []);
      });
    });
  }

  it('have one version, and realm-ingest takes it', async () => {
    const [ours, servers] = await Promise.all([manifestOf(exporter().built), manifestOf(server().built)]);
    assert.equal(servers.version, ours.version);
    assert.equal(servers.dependencies?.['opentelemetry-exporter-realm'], `^${ours.version}`);
  });

  describe('bundled', () => {
    it('for browsers, without anything of Node or of the server', async () => {
      const { inputs, text } = await bundle(exporter().built, 'browser');
      assert.ok(inputs.some((input) => input.includes('platform/browser/')));
      assert.deepEqual(
        inputs.filter((input) => input.includes('platform/node/') || input.includes('realm-ingest/')),
        [],
      );
      assert.doesNotMatch(text, /node:|require\(/);
    });

    it('for Node, with its files and processes', async () => {
      const { inputs } = await bundle(exporter().built, 'node');
      assert.ok(inputs.some((input) => input.includes('platform/node/')));
      assert.deepEqual(
        inputs.filter((input) => input.includes('platform/browser/') || input.includes('realm-ingest/')),
        [],
      );
    });
  });

  describe('the exporter alone, beside the API', () => {
    let directory: string;

    before(() => {
      directory = projects.exporter!;
    });

    it(`brings at most ${maxPackages} packages`, async () => {
      const installed = (await installedPackages(directory)).filter((name) => name !== '@opentelemetry/api');
      assert.ok(installed.length <= maxPackages, installed.join(', '));
    });

    it('has types that are free of Node’s', async () => {
      const browser = { exactOptionalPropertyTypes: true, lib: ['es2022', 'dom'], types: [] };
      await compile(directory, ['exporters.mts', 'exporters.cts'], { ...strict, ...nodeNext, ...browser });
    });

    it('has the subpath wire, which loads nothing else, in ESM and CommonJS', async function () {
      const node = await nodeOf(24); // the first line with hooks for what is imported
      if (node === undefined) skip(this, 'no Node 24');
      for (const [file, build] of [
        ['wire.mjs', 'esm'],
        ['wire.cjs', 'commonjs'],
      ] as const) {
        const { key, loaded } = JSON.parse(await execute(node, [file], { cwd: directory })) as {
          key: string;
          loaded: string[];
        };
        assert.equal(key, 'a%2Eb');
        const wire = `/node_modules/opentelemetry-exporter-realm/dist/${build}/wire/`;
        const others = loaded.filter((path) => !path.includes(wire) && !path.endsWith(`/${file}`));
        assert.deepEqual(others, []);
      }
    });
  });

  for (const line of sdkLines) describeBeside(line);

  function describeBeside(line: SdkLine): void {
    describe(`the exporter beside ${line.name}`, () => {
      let directory: string;

      before(() => {
        directory = projects[line.name]!;
      });

      it('has the SDK’s core, and no other', async () => {
        const installed = await installedPackages(directory);
        const cores = installed.filter((name) => name === '@opentelemetry/core');
        assert.equal(cores.length, 1, installed.join(', '));
      });

      it('compiles in ESM and in CommonJS, nothing skipped', async () => {
        await compile(directory, ['typed.mts', 'typed.cts'], { ...strict, ...withNodeTypes, ...nodeNext });
      });

      it('compiles with exact optional properties, for a bundler', async () => {
        // The types of some SDKs do not hold that themselves.
        const exact = { exactOptionalPropertyTypes: true, skipLibCheck: true };
        await compile(directory, ['typed.mts'], { ...strict, ...withNodeTypes, ...bundler, ...exact });
      });

      for (const major of line.nodes) {
        it(`stores records while offline on Node ${major}, in ESM and CommonJS`, async function () {
          const node = await nodeOf(major);
          if (node === undefined) skip(this, `no Node ${major}`);
          await Promise.all([
            assertStores(node, directory, 'run.mjs'),
            assertStores(node, directory, 'run.cjs'),
          ]);
        });
      }
    });
  }

  describe('realm-ingest alone', () => {
    let directory: string;

    before(() => {
      directory = projects.server!;
    });

    it('is a command', async () => {
      const command = join(directory, 'node_modules', '.bin', 'realm-ingest');
      assert.ok((await stat(command)).mode & 0o111);
      assert.match(
        await execute('npx', ['--no', '--', 'realm-ingest', '--help'], { cwd: directory }),
        /serve/,
      );
    });

    it('has types that need no package but Node’s', async () => {
      await compile(directory, ['server.mts', 'server.cts'], { ...strict, ...withNodeTypes, ...nodeNext });
    });

    for (const major of [20, 22, 24] as const) {
      it(`is a library in ESM and CommonJS, and serves, on Node ${major}`, async function () {
        const node = await nodeOf(major);
        if (node === undefined) skip(this, `no Node ${major}`);
        for (const file of ['server.mjs', 'server.cjs'])
          assert.equal(await execute(node, [file], { cwd: directory }), 'function');
        await assertServes(node, directory);
      });
    }
  });

  describe('both, installed by pnpm', () => {
    let directory: string;

    before(() => {
      directory = projects['by-pnpm']!;
    });

    it('the exporter compiles and stores records while offline', async () => {
      await compile(directory, ['typed.mts', 'typed.cts'], { ...strict, ...withNodeTypes, ...nodeNext });
      await assertStores(process.execPath, directory, 'run.mjs');
      await assertStores(process.execPath, directory, 'run.cjs');
    });

    it('realm-ingest is a command and a library, and serves', async () => {
      const help = await execute(process.execPath, [pnpm, 'exec', 'realm-ingest', '--help'], {
        cwd: directory,
      });
      assert.match(help, /serve/);
      for (const file of ['server.mjs', 'server.cjs'])
        assert.equal(await execute(process.execPath, [file], { cwd: directory }), 'function');
      await assertServes(process.execPath, directory);
    });
  });

  const nodes = new Map<NodeMajor, Promise<string>>();

  /** The program of a major version of Node; undefined if this machine cannot have one. */
  async function nodeOf(major: NodeMajor): Promise<string | undefined> {
    if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
    if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
    const node = nodes.get(major) ?? sandbox.installNode(otherNodes[major]!);
    nodes.set(major, node);
    return node;
  }
});

function exporterConsumers(line: SdkLine): Record<string, string> {
  return {
    'typed.mts': typedConsumer(line),
    'typed.cts': typedConsumer(line),
    'run.mjs': runningConsumer(line, 'esm'),
    'run.cjs': runningConsumer(line, 'commonjs'),
  };
}

/** Names of all packages in a project's `node_modules`, at every depth. */
async function installedPackages(directory: string): Promise<string[]> {
  const manifests = await readdir(join(directory, 'node_modules'), { recursive: true });
  return manifests
    .map(
      (path) =>
        /(?:^|node_modules\/)((?:@[^/]+\/)?[^/@.]+)\/package\.json$/.exec(path.replaceAll('\\', '/'))?.[1],
    )
    .filter((name) => name !== undefined);
}

async function compile(directory: string, files: readonly string[], compilerOptions: object): Promise<void> {
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  const tsc = [programOf('typescript', 'bin/tsc'), '--pretty', 'false', '-p', '.'];
  await execute(process.execPath, tsc, { cwd: directory });
}

async function assertStores(node: string, directory: string, file: string): Promise<void> {
  const output = await execute(node, [file], {
    cwd: directory,
    env: { REALM_ENGINE: realmEngine, DIRECTORY: await mkdtemp(join(directory, 'data-')) },
  });
  assert.deepEqual(JSON.parse(output), { spooled: 2, dropped: {}, state: 'closed' });
}

/** `realm-ingest serve` on SQLite answers the first request of a client. */
async function assertServes(node: string, directory: string): Promise<void> {
  const main = join(directory, 'node_modules', 'realm-ingest', 'bin', 'realm-ingest.js');
  const store = `sqlite:${join(await mkdtemp(join(directory, 'store-')), 'telemetry.db')}`;
  const child = spawn(node, [
    main,
    'serve',
    '--app-id',
    'app',
    '--store',
    store,
    '--port',
    '0',
    '--allow-anonymous',
  ]);
  try {
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    const url = await eventually('an address', () => {
      assert.equal(child.exitCode, null, output);
      return /http:\/\/[\w.:[\]-]+/.exec(output)?.[0] ?? '';
    });
    const response = await fetch(`${url}/api/client/v2.0/app/app/location`);
    assert.equal(response.status, 200);
  } finally {
    child.kill('SIGKILL');
  }
}

async function bundle(
  packageFolder: string,
  platform: 'browser' | 'node',
): Promise<{ inputs: string[]; text: string }> {
  const result = await build({
    entryPoints: [join(packageFolder, 'dist', 'esm', 'index.js')],
    bundle: true,
    platform,
    format: 'esm',
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  return { inputs: Object.keys(result.metafile.inputs), text: result.outputFiles[0]!.text };
}
