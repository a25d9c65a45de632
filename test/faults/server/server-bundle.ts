import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** A program as plain JavaScript, which starts several times faster than the sources do. */
export interface Bundle {
  readonly path: string;
  remove(): Promise<void>;
}

/** Builds `faulty-server.ts` and all that it imports of ours, with the worker of the SQLite store beside it. */
export async function bundleServer(): Promise<Bundle> {
  // Inside the checkout, so that packages resolve.
  const cache = join(root, 'node_modules', '.cache');
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, 'faulty-server-'));
  await build({
    entryPoints: [
      join(root, 'test/faults/server/faulty-server.ts'),
      join(root, 'realm-ingest/src/store/sqlite/store-worker.ts'),
    ],
    outdir: directory,
    entryNames: '[name]',
    bundle: true,
    packages: 'external',
    platform: 'node',
    target: 'node20',
    format: 'esm',
    logLevel: 'warning',
  });
  await writeFile(join(directory, 'package.json'), '{"type":"module"}\n');
  return {
    path: join(directory, 'faulty-server.js'),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
