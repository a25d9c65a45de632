/**
 * Slots: directories for the files of one process, `<directory>/<service name>/slot-<n>/<app id>/`.
 *
 * Each process locks the lowest free slot of its service. For each app, a slot contains the spool, the synced Realms (one for
 * each user), Realm's own metadata, and the mark `unsent` while it may contain records that no server has acknowledged.
 *
 * @module
 */

import type { PlatformFiles } from '../platform/platform.js';
import { encodeFileName } from './file-name.js';
import { parseRealmLock, REALM_LOCK_BYTES, type RealmLock } from './realm-lock.js';
import { HeartbeatWatch, SlotLock } from './slot-lock.js';

const SLOT_NAME = /^slot-(\d{1,9})$/;
/** More processes of one service on one machine indicate a mistake. */
const MAX_SLOTS = 10_000;

/** A slot that this process has locked. */
export interface Slot {
  /** Unique within a service. */
  readonly number: number;
  /** The directory of Realm's metadata; undefined for Realm's default. */
  readonly directory: string | undefined;
  /** The path of a file, in the form that Realm takes. */
  path(name: string): string;
  /** Whether a file exists. Engines without files create none. */
  exists(path: string): boolean;
  /** Size of a file; undefined if the engine has no files. */
  sizeBytes(path: string): number | undefined;
  /** Which processes have a Realm open, by its path; undefined if its lock file does not tell. */
  readRealmLock(path: string): RealmLock | undefined;
  /** How many records an earlier process left unacknowledged, at least; undefined if it left none. */
  readUnsent(): number | undefined;
  /** Makes or updates the mark that records may be unacknowledged. */
  markUnsent(records: number): void;
  /** Removes the mark: everything is acknowledged. */
  markSent(): void;
  /** Whether this process still has the lock. */
  isHeld(): boolean;
  /** Renews the lock. */
  beat(): void;
  /** Unlocks the slot, for the next process or for adoption. */
  release(): void;
  /** Unlocks the slot as if it had never been locked, because another process still uses it. */
  withdraw(): void;
}

/** A slot that no process has locked, and that contains unsent records. */
export interface OrphanedSlot {
  readonly number: number;
  /** How many records, at least. */
  readonly records: number;
}

/** Locks slots. Its methods throw what the file system throws. */
export interface SlotStore {
  /**
   * Locks the lowest free slot.
   *
   * @param except - numbers of slots to skip
   */
  acquire(except?: ReadonlySet<number>): Slot;
  /** The slots that no process has locked and that contain unsent records of this app. */
  orphans(): readonly OrphanedSlot[];
  /**
   * Locks the first of {@link orphans}; undefined if there is none.
   *
   * @param except - numbers of slots to skip
   */
  adopt(except?: ReadonlySet<number>): Slot | undefined;
  /** Size of this app's files in all slots, whichever process uses them; undefined if the engine has no files. */
  sizeBytes(): number | undefined;
}

/** The slots of one service and app in a directory. */
export class FileSlotStore implements SlotStore {
  readonly #files: PlatformFiles;
  readonly #service: string;
  readonly #app: string;
  readonly #watch: HeartbeatWatch;

  /** @param now - a clock in milliseconds that never goes back */
  constructor(
    files: PlatformFiles,
    where: { readonly directory: string; readonly serviceName: string; readonly appId: string },
    now?: () => number,
  ) {
    this.#files = files;
    this.#service = files.join(where.directory, encodeFileName(where.serviceName));
    this.#app = encodeFileName(where.appId);
    this.#watch = new HeartbeatWatch(files, now);
  }

  acquire(except?: ReadonlySet<number>): Slot {
    for (let number = 0; number < MAX_SLOTS; number += 1) {
      if (except?.has(number) === true) continue;
      const slot = this.#take(number);
      if (slot !== undefined) return slot;
    }
    throw new Error(`all ${MAX_SLOTS} slots in ${this.#service} are held`);
  }

  orphans(): readonly OrphanedSlot[] {
    return [...this.#findOrphans()];
  }

  adopt(except?: ReadonlySet<number>): Slot | undefined {
    for (const { number } of this.#findOrphans(except)) {
      const slot = this.#take(number);
      if (slot === undefined) continue;
      // Its process may have sent everything and released the slot meanwhile.
      if (slot.readUnsent() !== undefined) return slot;
      slot.release();
    }
    return undefined;
  }

  sizeBytes(): number {
    let bytes = 0;
    for (const number of this.#slotNumbers()) {
      bytes += this.#files.sizeBytes(this.#files.join(this.#service, `slot-${number}`, this.#app));
    }
    return bytes;
  }

  *#findOrphans(except?: ReadonlySet<number>): Generator<OrphanedSlot> {
    for (const number of this.#slotNumbers()) {
      if (except?.has(number) === true) continue;
      const directory = this.#files.join(this.#service, `slot-${number}`);
      const records = readUnsent(this.#files, this.#files.join(directory, this.#app, UNSENT));
      if (records === undefined || !SlotLock.isFree(this.#files, directory, this.#watch)) continue;
      yield { number, records };
    }
  }

  #take(number: number): Slot | undefined {
    const directory = this.#files.join(this.#service, `slot-${number}`);
    const appDirectory = this.#files.join(directory, this.#app);
    this.#files.makePrivateDirectory(appDirectory);
    const lock = SlotLock.acquire(this.#files, directory, this.#watch);
    return lock === undefined ? undefined : new FileSlot(this.#files, number, appDirectory, lock);
  }

  #slotNumbers(): number[] {
    const names = this.#files.list(this.#service);
    const numbers = names.map((name) => Number(SLOT_NAME.exec(name)?.[1] ?? NaN));
    return numbers.filter((number) => !Number.isNaN(number)).sort((a, b) => a - b);
  }
}

const UNSENT = 'unsent';

function readUnsent(files: PlatformFiles, path: string): number | undefined {
  const text = files.read(path);
  if (text === undefined) return undefined;
  const records = Number(text);
  return Number.isSafeInteger(records) && records >= 0 ? records : 0;
}

class FileSlot implements Slot {
  readonly number: number;
  readonly directory: string;
  readonly #files: PlatformFiles;
  readonly #lock: SlotLock;

  constructor(files: PlatformFiles, number: number, directory: string, lock: SlotLock) {
    this.#files = files;
    this.number = number;
    this.directory = directory;
    this.#lock = lock;
  }

  path(name: string): string {
    return this.#files.join(this.directory, name);
  }

  exists(path: string): boolean {
    return this.#files.exists(path);
  }

  sizeBytes(path: string): number {
    return this.#files.sizeBytes(path);
  }

  readRealmLock(path: string): RealmLock | undefined {
    const bytes = this.#files.readStart(`${path}.lock`, REALM_LOCK_BYTES);
    return bytes && parseRealmLock(bytes);
  }

  readUnsent(): number | undefined {
    return readUnsent(this.#files, this.path(UNSENT));
  }

  markUnsent(records: number): void {
    this.#files.write(this.path(UNSENT), String(records));
  }

  markSent(): void {
    this.#files.remove(this.path(UNSENT));
  }

  isHeld(): boolean {
    return this.#lock.isHeld();
  }

  beat(): void {
    this.#lock.beat();
  }

  release(): void {
    this.#lock.release();
  }

  withdraw(): void {
    this.#lock.withdraw();
  }
}

/** Names of the slots in use without files, for every build of the package in this process. */
const memorySlots = Symbol.for('opentelemetry-exporter-realm.memory-slots');

/** Slots on platforms without files, one for each connection of this process. */
export class MemorySlotStore implements SlotStore {
  readonly #prefix: string;

  constructor(where: { readonly serviceName: string; readonly appId: string }) {
    this.#prefix = `opentelemetry-${encodeFileName(where.serviceName)}-${encodeFileName(where.appId)}`;
  }

  acquire(except?: ReadonlySet<number>): Slot {
    const shared = globalThis as { [memorySlots]?: Set<string> | undefined };
    const held = (shared[memorySlots] ??= new Set());
    let number = 0;
    while (except?.has(number) === true || held.has(`${this.#prefix}-${number}`)) number += 1;
    const name = `${this.#prefix}-${number}`;
    held.add(name);
    const release = (): void => {
      held.delete(name);
    };
    return {
      number,
      directory: undefined,
      path: (file) => `${name}-${file}`,
      exists: () => true,
      sizeBytes: () => undefined,
      readRealmLock: () => undefined,
      readUnsent: () => undefined,
      markUnsent: () => undefined,
      markSent: () => undefined,
      isHeld: () => held.has(name),
      beat: () => undefined,
      release,
      withdraw: release,
    };
  }

  orphans(): readonly OrphanedSlot[] {
    return [];
  }

  adopt(): Slot | undefined {
    return undefined;
  }

  sizeBytes(): undefined {
    return undefined;
  }
}
