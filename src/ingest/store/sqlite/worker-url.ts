/**
 * The module that the store's worker thread runs. The CommonJS build has `worker-url-cjs.cts` in this one's place.
 *
 * @module
 */
export const workerUrl = import.meta.url.endsWith('.ts')
  ? typescriptModule('./store-worker.ts')
  : new URL('./store-worker.js', import.meta.url);

/** When this package's own sources are run with tsx: Node 20 gives worker threads none of the main thread's loaders. */
function typescriptModule(path: string): URL {
  const url = (specifier: string) => JSON.stringify(import.meta.resolve(specifier));
  const source = `import { register } from ${url('tsx/esm/api')}; register(); await import(${url(path)});`;
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}
