/**
 * The second half of `npm run build`: makes `#platform` of the built package conditional, so that Node gets the code
 * that has files and processes, and bundlers for browsers and React Native the other one.
 *
 * tshy writes `dist/esm/package.json` and `dist/commonjs/package.json`, and takes no conditions for imports within src.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const platform = {
  node: './platform/node/index.js',
  default: './platform/browser/index.js',
};

for (const dialect of ['esm', 'commonjs']) {
  const root = new URL(`../dist/${dialect}/`, import.meta.url);
  for (const target of Object.values(platform)) {
    if (!existsSync(new URL(target, root))) throw new Error(`dist/${dialect} has no ${target}`);
  }
  const manifest = new URL('package.json', root);
  const { imports, ...rest } = JSON.parse(readFileSync(manifest, 'utf8'));
  if (imports['#platform'] !== platform.node)
    throw new Error(`${manifest.pathname} holds an unknown #platform`);
  writeFileSync(
    manifest,
    `${JSON.stringify({ ...rest, imports: { ...imports, '#platform': platform } }, null, 2)}\n`,
  );
}
