/**
 * The module that the store's worker thread runs. The CommonJS build has `worker-url-cjs.cts` in this one's place, but
 * type-checks this one as well.
 *
 * @module
 */

// eslint-disable-next-line @typescript-eslint/ban-ts-comment -- right in one build, so nothing to expect there
// @ts-ignore
const here: string = import.meta.url;

export const workerUrl = here.endsWith('.ts') ? sourceModule() : new URL('./store-worker.js', here);

/** When the sources themselves are run, with tsx: Node 20 gives worker threads none of the main thread's loaders. */
function sourceModule(): URL {
  const source = `
    import { createRequire } from 'node:module';
    const require = createRequire(${JSON.stringify(here)});
    require('tsx/cjs/api').register();
    require('./store-worker.ts');
  `;
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}
