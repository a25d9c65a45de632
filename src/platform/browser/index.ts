import type { Platform } from '../platform.js';

/** Browsers and React Native: one process, and Realm itself knows where its files go. */
export const platform: Platform = {
  environment: () => undefined,
  files: undefined,
  unref: () => undefined,
};
