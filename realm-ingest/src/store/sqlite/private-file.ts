import { closeSync, openSync } from 'node:fs';

/**
 * Creates an empty file that only its owner may read and write (mode 0600), unless the file exists. SQLite gives the files
 * that it creates beside it the same mode.
 */
export function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
