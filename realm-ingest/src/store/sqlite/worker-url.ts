/**
 * The module that the store's worker thread runs. The CommonJS build uses `worker-url-cjs.cts` instead, but also
 * type-checks this module.
 *
 * @module
 */

// eslint-disable-next-line @typescript-eslint/ban-ts-comment -- an error in the CommonJS build only
// @ts-ignore
const here: string = import.meta.url;

export const workerUrl = here.endsWith('.ts') ? sourceModule() : new URL('./store-worker.js', here);

/** For running the sources with tsx: in Node 20, worker threads do not inherit the main thread's loaders. */
function sourceModule(): URL {
  const source = `
    import { createRequire } from 'node:module';
    const require = createRequire(${JSON.stringify(here)});
    require('tsx/cjs/api').register();
    require('./store-worker.ts');
  `;
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}
