/** Asked by Realm as it opens a file, with the bytes of the file and those of them in use. */
export type ShouldCompact = (totalBytes: number, usedBytes: number) => boolean;

/** A smaller file is not worth it. */
const MIN_FILE_BYTES = 4 * 1024 * 1024;

/** What is in use is copied while the app starts: some tens of milliseconds for this much. */
const MAX_USED_BYTES = 16 * 1024 * 1024;

/**
 * Whether to compact a Realm file that is about to be opened: most of it is free, as after a long time offline whose
 * records have gone, and what is left is copied quickly. A file of which more is in use is compacted at a later start.
 */
export function isWorthCompacting(totalBytes: number, usedBytes: number): boolean {
  return totalBytes >= MIN_FILE_BYTES && usedBytes <= totalBytes / 2 && usedBytes <= MAX_USED_BYTES;
}

/** What to tell an engine that never compacts well: it still lets us know what is in use. */
export function neverCompact(): boolean {
  return false;
}
