/**
 * Ends a process of Mocha's after its tests. What a test leaves open is a failure: it keeps the process from ending by
 * itself. Only the WebAssembly engine may do so; it has a timer that nothing stops.
 *
 * @module
 */

const lingerMillis = 5000;

/** Mocha calls this after the last test. */
export function mochaGlobalTeardown() {
  if (globalThis[Symbol.for('realm-wasm')] === true) {
    setImmediate(() => process.stdout.write('', () => process.exit()));
    return;
  }
  setTimeout(() => {
    console.error(`A test left something open: ${process.getActiveResourcesInfo().join(', ')}.`);
    process.on('exit', () => (process.exitCode = 1));
    process.exit();
  }, lingerMillis).unref();
}
