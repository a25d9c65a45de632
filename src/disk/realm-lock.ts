/**
 * What a Realm's lock file, `<path>.lock`, says of the processes that have the Realm open.
 *
 * Realm aborts a process if one of its sessions opens a file that a session of another process is syncing
 * (`MultipleSyncAgents`; nothing can catch it). A session outlives `realm.close()`: for as long as something is left to
 * upload, or for some milliseconds if it was paused before. Only the lock file tells when it has ended.
 *
 * The file begins with realm-core's `DB::SharedInfo`. Its layout has the version 14 in all releases that realm-js 12 syncs
 * with (`src/realm/db.cpp`, read at 13.13 to 14.14, where static assertions hold the offsets). In the machine's byte order:
 *
 * | offset | type   |                                                              |
 * | ------ | ------ | ------------------------------------------------------------ |
 * | 0      | uint8  | 1 if the rest is valid                                       |
 * | 6      | uint16 | version of the layout                                        |
 * | 12     | uint32 | processes that have the Realm open                           |
 * | 40     | uint8  | 1 if a session syncs the Realm, in whichever process         |
 *
 * A killed process leaves its numbers in the file. The next process that opens the Realm initialises the file again if no
 * other has it open, which it knows by a file lock of the kernel. So a process can trust the numbers only after it has
 * opened the Realm itself.
 *
 * @module
 */

/** What a lock file says. */
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
 * @returns undefined for a file that is just being made, or of another layout
 */
export function parseRealmLock(bytes: Uint8Array): RealmLock | undefined {
  if (bytes.length < REALM_LOCK_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Every machine that Realm runs on is little-endian; elsewhere the version would not be this one.
  if (view.getUint8(0) !== 1 || view.getUint16(6, true) !== LAYOUT_VERSION) return undefined;
  return { participants: view.getUint32(12, true), hasSyncAgent: view.getUint8(40) !== 0 };
}
