/**
 * Reads a Realm's lock file, `<path>.lock`, which tells which processes have the Realm open.
 *
 * Realm aborts a process if one of its sync sessions opens a file that a session of another process uses
 * (`MultipleSyncAgents`, which cannot be caught). A session outlives `realm.close()`: as long as records are left to upload,
 * or for some milliseconds if it was paused first. Only the lock file tells when it has ended.
 *
 * The file begins with realm-core's `DB::SharedInfo`. The version of its layout is 14 in all releases that realm-js 12 uses
 * (`src/realm/db.cpp`, read at 13.13 to 14.14, where static assertions check the offsets). In the machine's byte order:
 *
 * | offset | type   |                                                              |
 * | ------ | ------ | ------------------------------------------------------------ |
 * | 0      | uint8  | 1 if the rest is valid                                       |
 * | 6      | uint16 | version of the layout                                        |
 * | 12     | uint32 | processes that have the Realm open                           |
 * | 40     | uint8  | 1 if a session of any process syncs the Realm                |
 *
 * A killed process leaves its numbers in the file. The next process that opens the Realm initialises the file again if no
 * other process has it open, which a file lock of the kernel tells. So a process can trust the numbers only after it has
 * opened the Realm itself.
 *
 * @module
 */

/** The contents of a lock file. */
export interface RealmLock {
  /** Processes that have the Realm open, stopped ones and those of other containers included. */
  readonly participants: number;
  /** Whether a session syncs it. */
  readonly hasSyncAgent: boolean;
}

/** How many bytes of the file are read. */
export const REALM_LOCK_BYTES = 41;

const LAYOUT_VERSION = 14;

/**
 * Reads the beginning of a lock file.
 *
 * @param bytes - the first {@link REALM_LOCK_BYTES} of it, or fewer if it is shorter
 * @returns undefined for a file that is not initialised yet, or has another layout
 */
export function parseRealmLock(bytes: Uint8Array): RealmLock | undefined {
  if (bytes.length < REALM_LOCK_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Every machine that Realm runs on is little-endian. On any other, the version does not match.
  if (view.getUint8(0) !== 1 || view.getUint16(6, true) !== LAYOUT_VERSION) return undefined;
  return { participants: view.getUint32(12, true), hasSyncAgent: view.getUint8(40) !== 0 };
}
