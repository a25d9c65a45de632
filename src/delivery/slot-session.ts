import { platform } from '#platform';
import { Alarm } from '../time/alarm.js';
import { Backoff } from '../time/backoff.js';
import { settledWithin } from '../time/bounded-wait.js';
import { ConnectionError, describeCause } from '../connection-error.js';
import type { Destination } from '../realm/destination.js';
import type { NativeRealm } from '../realm/realm-types.js';
import type { SessionKeeperOptions } from '../sync/session-keeper-options.js';
import { SessionKeeper } from '../sync/session-keeper.js';
import { RealmFileGauge } from '../disk/realm-file-gauge.js';
import { HEARTBEAT_MILLIS } from '../disk/slot-lock.js';
import type { Slot } from '../disk/slot.js';
import { UnsentMark } from '../disk/unsent-mark.js';
import { SpoolLimits, type WhenFull } from '../disk/spool-limits.js';
import { SpoolMover } from './spool-mover.js';
import { Spool } from '../disk/spool.js';
import { DeviceFullError } from './device-full-error.js';
import type { Place } from './record-writer.js';
import { SlotInUseError } from './slot-in-use-error.js';

/** Bounds of the time between two checks whether sessions still use the files, in milliseconds. */
const RELEASE_BACKOFF = { initialMillis: 10, maxMillis: 1000 };

/** How long `close` waits for them, in milliseconds. */
const MAX_RELEASE_MILLIS = 2000;

/** What all sessions of a connection share. */
export interface SlotSessionOptions extends Pick<
  SessionKeeperOptions,
  | 'Realm'
  | 'openSource'
  | 'schema'
  | 'encryptionKey'
  | 'shouldCompact'
  | 'budget'
  | 'onChange'
  | 'onAcknowledged'
  | 'onError'
> {
  /** Whether the engine can have files at all. */
  readonly isNative: boolean;
  /** The class of each kind of record. */
  readonly classNames: Readonly<Record<string, string>>;
  readonly whenFull: WhenFull;
  /** How long records may stay in a spool. */
  readonly maxUnsyncedAgeMillis: number | undefined;
  /** A synced Realm was opened, in a later turn than the constructor's. */
  readonly onOpen: (realm: NativeRealm) => void;
  readonly onDropped: (reason: string, records: number) => void;
  /** The slot was taken over by another process, which took this one for dead. Nothing may be written to it any more. */
  readonly onSlotLost: () => void;
}

/**
 * All that happens in one slot: its spool, its synced Realm, the way from one to the other, and the mark that tells
 * others whether something is left. A connection has one for its own slot, and one for each slot that it adopts.
 */
export class SlotSession {
  /** Whether Realm's files are on disk. */
  readonly isDurable: boolean;
  readonly #options: SlotSessionOptions;
  readonly #slot: Slot;
  readonly #spool: Spool;
  readonly #gauge: RealmFileGauge;
  readonly #limits: SpoolLimits;
  readonly #keeper: SessionKeeper;
  readonly #mover: SpoolMover;
  readonly #mark: UnsentMark | undefined;
  readonly #heartbeat: ReturnType<typeof setInterval>;
  readonly #settledWaiters: (() => void)[] = [];
  /** What was left at `close`. */
  #left: { readonly unsynced: number; readonly isSettled: boolean } | undefined;

  /**
   * Opens the spool and begins to log in.
   *
   * @param slot - ours from now on; `close` releases it
   * @throws ConnectionError `open-failed`; then the slot is released
   */
  constructor(slot: Slot, options: SlotSessionOptions) {
    this.#options = options;
    this.#slot = slot;
    this.#spool = openSpool(slot, options);
    this.isDurable = options.isNative && slot.exists(this.#spool.path);
    // Without files nothing outlives the process that another could send; a mark of a native engine's stays.
    this.#mark = this.isDurable ? new UnsentMark(slot) : undefined;
    this.#gauge = new RealmFileGauge({
      fileBytes: () => (this.isDurable ? slot.sizeBytes(this.#spool.path) : undefined),
      recordBytes: () => this.#spool.sizeBytes,
    });
    options.budget.add(this.#gauge);
    this.#limits = new SpoolLimits({
      spool: this.#spool,
      gauge: this.#gauge,
      budget: options.budget,
      whenFull: options.whenFull,
      maxAgeMillis: options.maxUnsyncedAgeMillis,
      onDropped: (reason, records) => {
        this.#dropped(reason, records);
      },
    });
    this.#keeper = new SessionKeeper({
      ...options,
      slot,
      isDurable: this.isDurable,
      onOpen: (synced) => {
        void this.#expire();
        options.onOpen(synced.realm);
      },
      onChange: () => {
        this.#changed();
      },
      onAcknowledged: (records) => {
        options.onAcknowledged(records);
        this.#keeper.synced?.gauge.observe();
        this.#mover.start();
        this.#changed();
      },
      onLost: (reason, records) => {
        options.onDropped(reason, records);
      },
    });
    this.#mover = new SpoolMover({
      spool: this.#spool,
      destination: () => this.#movingTo(),
      onMoved: (count, sizeBytes) => {
        const synced = this.#keeper.synced;
        synced?.acknowledgements.add(count, sizeBytes);
        synced?.gauge.observe();
        this.#gauge.observe();
        this.#changed();
      },
      onDropped: (reason, count, cause) => {
        options.onDropped(reason, count);
        const text = `${count} of the spool: ${cause === undefined ? 'unreadable' : describeCause(cause)}`;
        options.onError(new ConnectionError('write-failed', text, { cause }));
      },
      onFailed: (cause) => {
        const text = `the spool cannot be moved now: ${describeCause(cause)}`;
        options.onError(new ConnectionError('write-failed', text, { cause, retryable: true }));
      },
      onRefused: (count, cause) => {
        const text = `${count} of the spool stay there until the synced Realm takes another record: ${describeCause(cause)}`;
        options.onError(new ConnectionError('write-failed', text, { cause, retryable: true }));
      },
    });
    const marked = this.#mark?.records;
    this.#keeper.start(marked === undefined ? undefined : Math.max(0, marked - this.#spool.count));
    void this.#expire();
    this.#heartbeat = setInterval(() => {
      this.#beat();
    }, HEARTBEAT_MILLIS);
    platform.unref(this.#heartbeat);
  }

  get slotNumber(): number {
    return this.#slot.number;
  }

  /** Records in the spool. */
  get spooled(): number {
    return this.#spool.count;
  }

  /** Records in synced Realms that no server has acknowledged; what was left of them at `close`. */
  get unsynced(): number {
    return this.#left?.unsynced ?? this.#keeper.unsynced;
  }

  get isConnected(): boolean {
    return this.#keeper.synced?.isConnected ?? false;
  }

  get isUnauthorized(): boolean {
    return this.#keeper.isUnauthorized;
  }

  /** Whether the spool is empty and no server owes an acknowledgement; at `close`, for good. */
  get isSettled(): boolean {
    return this.#left?.isSettled ?? (this.#spool.count === 0 && this.#keeper.isSettled);
  }

  /**
   * Where the next slice of records goes, whose mark is made.
   *
   * @param avoided - a destination that takes no records: the spool takes those of a synced Realm, as if none were open
   * @returns undefined while room is being made
   * @throws DeviceFullError if there is no room
   */
  place(nextBytes: number, avoided: Destination | undefined): Place | undefined {
    this.#keeper.check();
    const { budget } = this.#options;
    const current = this.#keeper.synced;
    const synced = current?.destination === avoided ? undefined : current;
    const syncedBytes = synced === undefined ? 0 : budget.roomBytes(synced.gauge);
    if (synced !== undefined && syncedBytes >= nextBytes) {
      this.#ensureMark();
      return { destination: synced.destination, roomBytes: syncedBytes, hasAlternative: true };
    }
    // A spool that has grown does not shrink when it is emptied: only its own records can use that part of the limit. While
    // a synced Realm is open, nothing is dropped to make room: the oldest records are in that Realm, and stay there.
    const roomBytes = synced === undefined ? this.#limits.roomBytes(nextBytes) : this.#limits.freeBytes;
    if (roomBytes === undefined) return undefined;
    if (roomBytes < nextBytes) {
      throw new DeviceFullError(budget.takenBytes, budget.maxBytes, 'new records are refused');
    }
    this.#ensureMark();
    return { destination: this.#spool, roomBytes };
  }

  /** Notes that records were committed to what `place` gave. */
  stored(destination: Destination, count: number, sizeBytes: number): void {
    const synced = this.#keeper.synced;
    if (synced?.destination === destination) {
      synced.acknowledgements.add(count, sizeBytes);
      synced.gauge.observe();
      if (count > 0) this.#mover.noteStored(destination);
    } else {
      this.#gauge.observe();
      // What a synced Realm did not take waits for it to take records again, as long as the mover's back-off says.
      if (synced !== undefined && !this.#mover.isRunning) this.#mover.start();
    }
    this.#changed();
  }

  /** Resolves once it is known whether the server can be reached. */
  firstAttempt(): Promise<void> {
    return this.#keeper.firstAttempt();
  }

  /** Resolves once the spool is empty and no server owes an acknowledgement, or at `close`. */
  settled(): Promise<void> {
    if (this.isSettled || this.#left !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#settledWaiters.push(resolve);
    });
  }

  pause(): void {
    this.#keeper.pause();
  }

  resume(): void {
    this.#keeper.resume();
  }

  /**
   * Closes the files, and releases the slot as soon as no sync session uses them any more, usually milliseconds later. It
   * waits for that for at most two seconds; after that, the release goes on in the background. Until then, the spool stays
   * open, which tells other processes that the slot is in use.
   */
  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    await this.#mover.stop();
    await this.#limits.stop();
    this.#left = { unsynced: this.unsynced, isSettled: this.isSettled };
    try {
      this.#updateMark();
    } finally {
      await this.#keeper.close();
      this.#options.budget.remove(this.#gauge);
      for (const resolve of this.#settledWaiters.splice(0)) resolve();
      await settledWithin(this.#release(), MAX_RELEASE_MILLIS);
    }
  }

  /** Never rejects: whatever fails is reported, and tried again. */
  async #release(): Promise<void> {
    const alarm = new Alarm();
    const backoff = new Backoff(RELEASE_BACKOFF);
    while (!this.#tryRelease()) await alarm.sleep(backoff.next());
  }

  /** @returns whether the slot is released */
  #tryRelease(): boolean {
    try {
      if (this.#keeper.hasFilesInUse) return false;
      this.#spool.close();
      this.#slot.release();
      return true;
    } catch (cause) {
      const text = `slot ${this.#slot.number} cannot be released yet: ${describeCause(cause)}`;
      this.#options.onError(new ConnectionError('open-failed', text, { cause, retryable: true }));
      return false;
    }
  }

  /** Moving records leave the rest where old ones can be dropped, until the server has acknowledged those before them. */
  #movingTo(): Destination | undefined {
    const synced = this.#keeper.synced;
    if (synced === undefined || this.#limits.isExpiring) return undefined;
    const isFull = synced.acknowledgements.pendingBytes >= this.#options.budget.movingBytes;
    return isFull ? undefined : synced.destination;
  }

  /** Drops what is too old, then moves the rest. */
  async #expire(): Promise<void> {
    await this.#limits.expire();
    this.#mover.start();
  }

  #dropped(reason: 'dropped-oldest' | 'too-old', records: number): void {
    const { budget, onDropped, onError } = this.#options;
    onDropped(reason, records);
    const text = `${records} ${records === 1 ? 'record' : 'records'} of the spool`;
    onError(
      reason === 'too-old'
        ? new ConnectionError('records-expired', `${text} dropped (maxUnsyncedAge)`)
        : new DeviceFullError(budget.takenBytes, budget.maxBytes, `the oldest ${text} dropped`),
    );
    this.#changed();
  }

  #changed(): void {
    if (this.isSettled) for (const resolve of this.#settledWaiters.splice(0)) resolve();
    this.#options.onChange();
  }

  #beat(): void {
    try {
      if (!this.#slot.isHeld()) {
        clearInterval(this.#heartbeat);
        this.#options.onSlotLost();
        return;
      }
      this.#options.budget.refresh();
      void this.#expire();
      this.#slot.beat();
      this.#updateMark();
    } catch (cause) {
      this.#options.onError(new ConnectionError('open-failed', describeCause(cause), { cause }));
    }
    this.#keeper.check();
  }

  #ensureMark(): void {
    try {
      this.#mark?.ensure();
    } catch {
      // On a full disk: what still fits into the files is worth more than the mark, which a later heartbeat makes.
    }
  }

  #updateMark(): void {
    if (this.isSettled) this.#mark?.clear();
    else this.#mark?.update(this.#spool.count + this.#keeper.unsynced);
  }
}

function openSpool(slot: Slot, options: SlotSessionOptions): Spool {
  const path = slot.path('spool.realm');
  let spool: Spool | undefined;
  try {
    spool = Spool.open(options.Realm, path, options);
    const isShared = options.isNative && (slot.readRealmLock(path)?.participants ?? 1) > 1;
    if (!isShared) return spool;
  } catch (cause) {
    spool?.close();
    slot.release();
    throw new ConnectionError('open-failed', `the spool ${path}: ${describeCause(cause)}`, {
      cause,
      retryable: true,
    });
  }
  spool.close();
  slot.withdraw();
  throw new SlotInUseError(slot.number);
}
