/**
 * The module that the store's worker thread runs. The CommonJS build has `worker-url-cjs.cts` in this one's place.
 *
 * @module
 */
export const workerUrl = import.meta.url.endsWith('.ts')
  ? sourceModule()
  : new URL('./store-worker.js', import.meta.url);

/** When the sources themselves are run, with tsx: Node 20 gives worker threads none of the main thread's loaders. */
function sourceModule(): URL {
  const source = `
    import { createRequire } from 'node:module';
    const require = createRequire(${JSON.stringify(import.meta.url)});
    require('tsx/cjs/api').register();
    require('./store-worker.ts');
  `;
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}
