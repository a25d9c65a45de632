/**
 * What a Realm's lock file, `<path>.lock`, says of the processes that have the Realm open.
 *
 * Realm ends a process whose session syncs a file that a session of another process has (`MultipleSyncAgents`, an abort
 * that nothing can catch). A session outlives `realm.close()`: by much if something is left to upload, by a moment if it
 * was paused before. The lock file is the one place that tells.
 *
 * It begins with realm-core's `DB::SharedInfo`, whose layout has the version 14 in every release that syncs for realm-js
 * 12 (`src/realm/db.cpp`, 13.0 to 14.14, where assertions hold these offsets), in the byte order of the machine:
 *
 * | offset | type   |                                                              |
 * | ------ | ------ | ------------------------------------------------------------ |
 * | 0      | uint8  | 1 if the rest is valid                                       |
 * | 6      | uint16 | version of the layout                                        |
 * | 12     | uint32 | how often the Realm is open: once for each process at most   |
 * | 40     | uint8  | 1 if a session syncs the Realm, in whichever process         |
 *
 * A process that is killed leaves its numbers behind. Whoever opens the Realm next, and finds by a lock of the kernel's
 * that nobody else has it, begins anew. So only a process that has opened the Realm itself can trust the numbers.
 *
 * @module
 */

/** What the file says. */
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
