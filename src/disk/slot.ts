/**
 * Slots: where one process keeps its files.
 *
 * `<directory>/<service name>/slot-<n>/<app id>/`: each process holds the lowest free slot of its service by a lock.
 * Beneath it lie, for each app, the spool, the synced Realms (one for each user), Realm's own metadata, and the mark
 * `unsent` for as long as the slot may carry records that no server has acknowledged.
 *
 * @module
 */

import type { PlatformFiles } from '../platform/platform.js';
import { encodeFileName } from './file-name.js';
import { parseRealmLock, REALM_LOCK_BYTES, type RealmLock } from './realm-lock.js';
import { HeartbeatWatch, SlotLock } from './slot-lock.js';

const SLOT_NAME = /^slot-(\d{1,9})$/;
/** More processes of one service than this on one machine are a mistake somewhere. */
const MAX_SLOTS = 10_000;

/** A place for one connection's files. */
export interface Slot {
  /** Tells the slots of a service apart. */
  readonly number: number;
  /** Where Realm keeps its metadata; undefined leaves the choice to Realm. */
  readonly directory: string | undefined;
  /** The path of a file, in the form that Realm takes. */
  path(name: string): string;
  /** Names of the files in it. */
  list(): string[];
  /** Whether a file is there, which tells engines with files from those without. */
  exists(path: string): boolean;
  /** Bytes of a file; undefined where files cannot be seen. */
  sizeBytes(path: string): number | undefined;
  /** Who has a Realm open, by its path; undefined where that cannot be seen. */
  readRealmLock(path: string): RealmLock | undefined;
  /** How many records of an earlier life are known to be unacknowledged; undefined if there are none. */
  readUnsent(): number | undefined;
  /** Leaves word that records may be unacknowledged. */
  markUnsent(records: number): void;
  /** Takes it back: everything is acknowledged. */
  markSent(): void;
  /** Whether the lock is still ours. */
  isHeld(): boolean;
  /** Keeps the lock alive. */
  beat(): void;
  /** Gives the slot back, for the next process or for adoption. */
  release(): void;
  /** Gives a slot back as it was before it was taken, because its holder is still there. */
  withdraw(): void;
}

/** A slot that nobody holds, and that carries unsent records. */
export interface OrphanedSlot {
  readonly number: number;
  /** How many there are, as far as is known: not less than 0. */
  readonly records: number;
}

/** Hands out slots. Its methods throw what the file system throws. */
export interface SlotStore {
  /**
   * Takes the lowest free slot.
   *
   * @param except - numbers of slots that are of no use
   */
  acquire(except?: ReadonlySet<number>): Slot;
  /** The slots that nobody holds and that carry unsent records of this app. */
  orphans(): readonly OrphanedSlot[];
  /**
   * Takes the first of them; undefined if there is none.
   *
   * @param except - numbers of slots that are of no use
   */
  adopt(except?: ReadonlySet<number>): Slot | undefined;
  /** What this app's files in all slots take, in bytes, whoever holds them; undefined where files cannot be seen. */
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
      // Its holder may have sent everything and left between our two looks.
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

  list(): string[] {
    return this.#files.list(this.directory);
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

/** Numbers of the slots in use where there are no files, for every build of the package in this process. */
const memorySlots = Symbol.for('opentelemetry-exporter-realm.memory-slots');

/** One slot for each connection of this process, where Realm alone knows where files go. */
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
      list: () => [],
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
