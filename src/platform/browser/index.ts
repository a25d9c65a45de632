import type { Platform } from '../platform.js';

/** Browsers and React Native: one process, and Realm chooses the location of its files. */
export const platform: Platform = {
  environment: () => undefined,
  files: undefined,
  unref: () => undefined,
};
