/** Decides whether Realm compacts a file when it opens it, by the size of the file and the part in use. */
export type ShouldCompact = (totalBytes: number, usedBytes: number) => boolean;

/** Smaller files are not compacted. */
const MIN_FILE_BYTES = 4 * 1024 * 1024;

/** Realm copies the part in use while the app starts: this much takes some tens of milliseconds. */
const MAX_USED_BYTES = 16 * 1024 * 1024;

/**
 * Compacts a file if most of it is free, as after a long time offline, and the rest is copied quickly. A file with more in
 * use is compacted at a later start.
 */
export function isWorthCompacting(totalBytes: number, usedBytes: number): boolean {
  return totalBytes >= MIN_FILE_BYTES && usedBytes <= totalBytes / 2 && usedBytes <= MAX_USED_BYTES;
}

/** For engines that do not compact safely. The call still tells which part is in use. */
export function neverCompact(): boolean {
  return false;
}
