/**
 * Locks on slots, made of files only.
 *
 * A slot's lock is its file `lock-<n>` with the highest n. Its text names the holder, or says that the slot was released.
 * No process replaces another's file: a process that takes a slot over creates `lock-<n+1>`, which only one process can do,
 * and then checks that no higher file has appeared. The numbers never go down, so that a process that was stopped in
 * between cannot win with outdated knowledge.
 *
 * A holder that is provably dead (same host, boot and process id space; its id is gone or was reused) loses its lock at
 * once. A holder that is provably alive keeps it. If neither is known, for example because the lock is another host's,
 * another boot's or another container's, the heartbeat decides: a holder touches its file every {@link HEARTBEAT_MILLIS}. A
 * file that stays unchanged for {@link SILENCE_MILLIS} of our own clock, while we watch it, has no holder. (A host name
 * proves nothing: containers get a new one at every start, and cloned machines share one. Time stamps are not compared with
 * a clock, because many devices boot without one.)
 *
 * @module
 */

import type { PlatformFiles, ProcessIdentity } from '../platform/platform.js';

/** How often a holder touches its lock, in milliseconds. */
export const HEARTBEAT_MILLIS = 15_000;

/** A holder of unknown fate counts as gone when its lock stays unchanged for this time, in milliseconds. */
export const SILENCE_MILLIS = 90_000;

const LOCK_NAME = /^lock-(\d{1,15})$/;

/** How many earlier locks are kept, for processes that are reading the directory. */
const KEPT_LOCKS = 2;

interface LockText extends ProcessIdentity {
  readonly released?: boolean;
}

/** Watches the heartbeats of locks whose holders may be alive or dead. One watch serves many slots. */
export class HeartbeatWatch {
  readonly #files: PlatformFiles;
  readonly #now: () => number;
  readonly #seen = new Map<string, { modifiedMillis: number | undefined; sinceMillis: number }>();

  /** @param now - a clock in milliseconds that never goes back */
  constructor(files: PlatformFiles, now: () => number = () => performance.now()) {
    this.#files = files;
    this.#now = now;
  }

  /** Whether a file has stayed unchanged for long enough. The first call starts the watch. */
  isSilent(path: string): boolean {
    const modifiedMillis = this.#files.modifiedMillis(path);
    const seen = this.#seen.get(path);
    if (seen === undefined || seen.modifiedMillis !== modifiedMillis) {
      this.#seen.set(path, { modifiedMillis, sinceMillis: this.#now() });
      return false;
    }
    return this.#now() - seen.sinceMillis >= SILENCE_MILLIS;
  }
}

/** A lock that this process holds. */
export class SlotLock {
  readonly #files: PlatformFiles;
  readonly #directory: string;
  readonly #number: number;

  private constructor(files: PlatformFiles, directory: string, number: number) {
    this.#files = files;
    this.#directory = directory;
    this.#number = number;
  }

  /**
   * Locks a slot if no process holds it.
   *
   * @param directory - the slot's directory; it exists
   * @returns undefined if another process holds it or was faster
   * @throws whatever the file system throws
   */
  static acquire(files: PlatformFiles, directory: string, watch: HeartbeatWatch): SlotLock | undefined {
    const current = highestLock(files, directory);
    if (current > 0 && !isFreed(files, lockPath(files, directory, current), watch)) return undefined;
    const number = current + 1;
    const path = lockPath(files, directory, number);
    if (!files.createExclusively(path, JSON.stringify(files.self))) return undefined;
    if (highestLock(files, directory) !== number) {
      files.remove(path);
      return undefined;
    }
    for (const earlier of lockNumbers(files, directory)) {
      if (earlier < number - KEPT_LOCKS) files.remove(lockPath(files, directory, earlier));
    }
    return new SlotLock(files, directory, number);
  }

  /**
   * Whether no process holds a slot.
   *
   * @throws whatever the file system throws
   */
  static isFree(files: PlatformFiles, directory: string, watch: HeartbeatWatch): boolean {
    const current = highestLock(files, directory);
    return current === 0 || isFreed(files, lockPath(files, directory, current), watch);
  }

  /** Whether no other process took the slot over. That happens if this process seemed to be dead. */
  isHeld(): boolean {
    return highestLock(this.#files, this.#directory) === this.#number;
  }

  /** Shows that this process is alive. */
  beat(): void {
    this.#files.touch(this.#path);
  }

  /** Releases the slot for other processes. */
  release(): void {
    const text: LockText = { ...this.#files.self, released: true };
    this.#files.write(this.#path, JSON.stringify(text));
  }

  /**
   * Removes the lock, because the former holder, which seemed to be dead, still uses the slot. Other processes see the
   * former lock again.
   */
  withdraw(): void {
    this.#files.remove(this.#path);
  }

  get #path(): string {
    return lockPath(this.#files, this.#directory, this.#number);
  }
}

function isFreed(files: PlatformFiles, path: string, watch: HeartbeatWatch): boolean {
  const holder = parseLock(files.read(path));
  if (holder === undefined) return watch.isSilent(path);
  if (holder.released === true) return true;
  if (isOfThisMachine(files.self, holder)) {
    const alive = files.isAlive(holder.pid, holder.startTime);
    if (alive !== undefined) return !alive;
  }
  return watch.isSilent(path);
}

function isOfThisMachine(self: ProcessIdentity, holder: ProcessIdentity): boolean {
  return (
    self.bootId !== '' &&
    self.pidNamespace !== '' &&
    holder.host === self.host &&
    holder.bootId === self.bootId &&
    holder.pidNamespace === self.pidNamespace
  );
}

function parseLock(text: string | undefined): LockText | undefined {
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // incomplete, on a file system without hard links
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { host, bootId, pidNamespace, pid, startTime, released }: Record<string, unknown> = { ...value };
  if (typeof host !== 'string' || typeof bootId !== 'string' || typeof pidNamespace !== 'string')
    return undefined;
  if (!Number.isSafeInteger(pid) || (pid as number) <= 0 || typeof startTime !== 'string') return undefined;
  return { host, bootId, pidNamespace, pid: pid as number, startTime, released: released === true };
}

function highestLock(files: PlatformFiles, directory: string): number {
  return Math.max(0, ...lockNumbers(files, directory));
}

function lockNumbers(files: PlatformFiles, directory: string): number[] {
  const numbers: number[] = [];
  for (const name of files.list(directory)) {
    const number = LOCK_NAME.exec(name)?.[1];
    if (number !== undefined) numbers.push(Number(number));
  }
  return numbers;
}

function lockPath(files: PlatformFiles, directory: string, number: number): string {
  return files.join(directory, `lock-${number}`);
}
