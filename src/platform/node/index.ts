import type { Platform } from '../platform.js';
import { nodeFiles } from './files.js';

/** Node. */
export const platform: Platform = {
  environment: (name) => process.env[name],
  files: nodeFiles,
  unref: (timer) => {
    timer.unref();
  },
};
