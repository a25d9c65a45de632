import { closeSync, openSync } from 'node:fs';

/**
 * Creates an empty file that only its owner may read and write (mode 0600), unless there is a file already. SQLite
 * gives the same mode to what it puts beside it.
 */
export function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
