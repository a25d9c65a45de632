import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The file that the store's worker thread runs, in the CommonJS build. */
export const workerUrl = pathToFileURL(join(__dirname, 'store-worker.js'));
