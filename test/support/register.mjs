/**
 * Runs TypeScript sources of both packages, in this process and in those that it starts: `node --import` this file.
 *
 * tsx finds the path of `opentelemetry-exporter-realm/wire` in tsconfig.json, and looks for that in the working directory
 * of each process unless the environment names it.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';

process.env.TSX_TSCONFIG_PATH ??= fileURLToPath(new URL('../../tsconfig.json', import.meta.url));
await import('tsx');
