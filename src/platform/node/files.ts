import {
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { PlatformFiles } from '../platform.js';
import { defaultDirectory } from './default-directory.js';
import { identifySelf, isAlive } from './process-identity.js';

let temporaryFiles = 0;

/** Node's files. */
export const nodeFiles: PlatformFiles = {
  defaultDirectory: () => defaultDirectory(),
  join: (...segments) => join(...segments),
  makePrivateDirectory(path) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  },
  list: (directory) => unlessMissing(() => readdirSync(directory)) ?? [],
  exists: (path) => existsSync(path),
  sizeBytes,
  read: (path) => unlessMissing(() => readFileSync(path, 'utf8')),
  readStart: (path, maxBytes) => unlessMissing(() => readStart(path, maxBytes)),
  write(path, text) {
    const temporary = writeTemporary(path, text);
    try {
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  },
  createExclusively,
  remove(path) {
    rmSync(path, { force: true });
  },
  touch(path) {
    const now = new Date();
    utimesSync(path, now, now);
  },
  modifiedMillis: (path) => unlessMissing(() => statSync(path).mtimeMs),
  self: identifySelf(),
  isAlive,
};

function sizeBytes(path: string): number {
  const stats = unlessMissing(() => lstatSync(path));
  if (stats === undefined) return 0;
  if (!stats.isDirectory()) return stats.isFile() ? stats.size : 0;
  const names = unlessMissing(() => readdirSync(path)) ?? [];
  return names.reduce((bytes, name) => bytes + sizeBytes(join(path, name)), 0);
}

function readStart(path: string, maxBytes: number): Uint8Array {
  const bytes = new Uint8Array(maxBytes);
  const file = openSync(path, 'r');
  try {
    return bytes.subarray(0, readSync(file, bytes, 0, maxBytes, 0));
  } finally {
    closeSync(file);
  }
}

function createExclusively(path: string, text: string): boolean {
  const temporary = writeTemporary(path, text);
  try {
    // A hard link is created in one step and fails if the name exists, so the file never appears without its text.
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    if (!hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EISDIR')) throw error;
    // File systems without hard links (FAT, some network shares): a reader may see the file before its text.
    return writeNew(path, text);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function writeNew(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

function writeTemporary(path: string, text: string): string {
  temporaryFiles += 1;
  const temporary = `${path}.${process.pid}-${Date.now().toString(36)}-${temporaryFiles}.tmp`;
  writeFileSync(temporary, text, { flag: 'wx', mode: 0o600 });
  return temporary;
}

function unlessMissing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code !== undefined && codes.includes(code);
}
