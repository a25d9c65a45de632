import { platform } from '#platform';
import { ConnectionError, describeCause, toOpenError } from '../connection-error.js';
import { DeviceFullError } from '../disk/device-full-error.js';
import { RealmFileGauge } from '../disk/realm-file-gauge.js';
import { SlotInUseError } from '../disk/slot-in-use-error.js';
import { HEARTBEAT_MILLIS } from '../disk/slot-lock.js';
import type { Slot } from '../disk/slot.js';
import { SpoolLimits } from '../disk/spool-limits.js';
import { Spool } from '../disk/spool.js';
import { UnsentMark } from '../disk/unsent-mark.js';
import type { Destination } from '../realm/destination.js';
import type { ConnectionContext } from '../sync/connection-context.js';
import { LogInLoop } from '../sync/log-in-loop.js';
import type { SyncOwner } from '../sync/sync-owner.js';
import type { SyncedRealm } from '../sync/synced-realm.js';
import { UserRealms } from '../sync/user-realms.js';
import { Backoff } from '../time/backoff.js';
import { settledWithin } from '../time/bounded-wait.js';
import { Sleeper } from '../time/sleep.js';
import type { PickedDestination } from './record-writer.js';
import { SpoolMover, type SpoolMoverOwner } from './spool-mover.js';

/** Bounds of the time between two checks whether sync sessions still use the files, in milliseconds. */
const RELEASE_BACKOFF = { initialMillis: 10, maxMillis: 1000 };

/** How long `close` waits for them, in milliseconds. */
const MAX_RELEASE_MILLIS = 2000;

/** Owns the deliveries of a connection, and is called when something happens in one of them. */
export interface SlotOwner {
  /** A synced Realm has become the current one, in a later turn than the delivery's constructor. */
  realmOpened(delivery: SlotDelivery, synced: SyncedRealm): void;
  /** Another process, which took this one for dead, has the slot now. Nothing may be written to it any more. */
  slotLost(delivery: SlotDelivery): void;
  /** Counts, or the state of the sync session, changed. */
  changed(): void;
}

/**
 * The delivery of the records in one slot: its spool, its synced Realms, the mover between the two, and the mark that
 * tells other processes whether records are left. A connection has one for its own slot, and one for each slot that it
 * adopts.
 */
export class SlotDelivery implements SyncOwner, SpoolMoverOwner {
  /** Whether Realm's files are on disk. */
  readonly isDurable: boolean;
  readonly #slot: Slot;
  readonly #context: ConnectionContext;
  readonly #owner: SlotOwner;
  readonly #spool: Spool;
  readonly #gauge: RealmFileGauge;
  readonly #limits: SpoolLimits;
  readonly #realms: UserRealms;
  readonly #logIn: LogInLoop;
  readonly #mover: SpoolMover;
  readonly #mark: UnsentMark | undefined;
  readonly #heartbeat: ReturnType<typeof setInterval>;
  readonly #settledWaiters: (() => void)[] = [];
  /** What was left at `close`. */
  #left: { readonly unsynced: number; readonly isSettled: boolean } | undefined;

  /**
   * Opens the spool and begins to log in.
   *
   * @param slot - owned by the delivery, and released by `close`
   * @throws ConnectionError `open-failed`; then the slot is released
   */
  constructor(slot: Slot, context: ConnectionContext, owner: SlotOwner) {
    this.#slot = slot;
    this.#context = context;
    this.#owner = owner;
    const spool = openSpool(slot, context);
    this.#spool = spool;
    this.isDurable = context.isNative && slot.exists(spool.path);
    // An engine without files leaves nothing for other processes; the mark of a native engine stays.
    this.#mark = this.isDurable ? new UnsentMark(slot) : undefined;
    this.#gauge = new RealmFileGauge({
      fileBytes: () => (this.isDurable ? slot.sizeBytes(spool.path) : undefined),
      recordBytes: () => spool.sizeBytes,
    });
    context.budget.add(this.#gauge);
    this.#limits = new SpoolLimits(spool, this.#gauge, context, this);
    const marked = this.#mark?.records;
    // The mark counts the records of the spool as well.
    const inherited = marked === undefined ? undefined : Math.max(0, marked - spool.count);
    this.#realms = new UserRealms(slot, this.isDurable, inherited, context, this);
    this.#logIn = new LogInLoop(slot, this.#realms, context, this);
    this.#mover = new SpoolMover(spool, context.events, this);
    this.#logIn.start();
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

  /** Records in synced Realms that no server has acknowledged; after `close`, how many were left. */
  get unsynced(): number {
    return this.#left?.unsynced ?? this.#realms.unsynced;
  }

  get isConnected(): boolean {
    return this.#realms.current?.isConnected ?? false;
  }

  get isUnauthorized(): boolean {
    return this.#logIn.isUnauthorized;
  }

  /** Whether the spool is empty and no server owes an acknowledgement. Does not change after `close`. */
  get isSettled(): boolean {
    return this.#left?.isSettled ?? (this.#spool.count === 0 && this.#realms.isSettled);
  }

  /**
   * Picks the destination of the next slice of records: the synced Realm, else the spool.
   *
   * @param avoided - a destination that takes no records: if it is the synced Realm, the spool is picked
   * @returns undefined while room is being made
   * @throws DeviceFullError if there is no room
   */
  pick(nextBytes: number, avoided: Destination | undefined): PickedDestination | undefined {
    this.#realms.check();
    const { budget } = this.#context;
    const { current } = this.#realms;
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
    if (roomBytes < nextBytes) throw new DeviceFullError(budget, 'new records are refused');
    this.#ensureMark();
    return { destination: this.#spool, roomBytes };
  }

  /** Notes that records were committed to the destination that `pick` gave. */
  stored(destination: Destination, count: number, sizeBytes: number): void {
    const synced = this.#realms.current;
    if (synced?.destination === destination) {
      this.#committed(synced, count, sizeBytes);
      if (count > 0) this.#mover.noteStored(destination);
    } else {
      this.#gauge.observe();
      // Records that a synced Realm did not take wait for the mover's back-off, if it is under way.
      if (synced !== undefined && !this.#mover.isRunning) this.#mover.start();
    }
    this.changed();
  }

  /** Resolves once it is known whether the server can be reached. */
  firstAttempt(): Promise<void> {
    return this.#realms.firstAttempt();
  }

  /** Resolves once the spool is empty and no server owes an acknowledgement, or at `close`. */
  settled(): Promise<void> {
    if (this.isSettled || this.#left !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#settledWaiters.push(resolve);
    });
  }

  pause(): void {
    this.#logIn.pause();
    this.#realms.pause();
  }

  resume(): void {
    this.#realms.resume();
    this.#logIn.resume();
  }

  /**
   * Closes the files, and releases the slot when no sync session uses them any more, usually milliseconds later. It waits
   * for that for at most two seconds; after that, the release goes on in the background. Until then, the spool stays open,
   * which tells other processes that the slot is in use.
   */
  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    await this.#mover.stop();
    await this.#limits.stop();
    this.#left = { unsynced: this.unsynced, isSettled: this.isSettled };
    try {
      this.#updateMark();
    } finally {
      const ended = this.#logIn.close();
      this.#realms.close();
      await ended;
      this.#context.budget.remove(this.#gauge);
      this.#resolveSettled();
      await settledWithin(this.#release(), MAX_RELEASE_MILLIS);
    }
  }

  opened(synced: SyncedRealm): void {
    void this.#expire();
    this.#owner.realmOpened(this, synced);
  }

  acknowledged(records: number): void {
    this.#context.events.acknowledged(records);
    this.#realms.current?.gauge.observe();
    this.#mover.start();
    this.changed();
  }

  userGone(): void {
    this.#logIn.restart();
    this.changed();
  }

  /** Where the mover moves to. Old records that can be dropped stay in the spool until those before them are acknowledged. */
  movingTo(): Destination | undefined {
    const synced = this.#realms.current;
    if (synced === undefined || this.#limits.isExpiring) return undefined;
    const isFull = synced.acknowledgements.pendingBytes >= this.#context.budget.movingBytes;
    return isFull ? undefined : synced.destination;
  }

  moved(count: number, sizeBytes: number): void {
    const synced = this.#realms.current;
    if (synced !== undefined) this.#committed(synced, count, sizeBytes);
    this.#gauge.observe();
    this.changed();
  }

  changed(): void {
    if (this.isSettled) this.#resolveSettled();
    this.#owner.changed();
  }

  #committed(synced: SyncedRealm, count: number, sizeBytes: number): void {
    synced.acknowledgements.add(count, sizeBytes);
    synced.gauge.observe();
  }

  #resolveSettled(): void {
    for (const resolve of this.#settledWaiters.splice(0)) resolve();
  }

  /** Never rejects: a failure is reported, and tried again. */
  async #release(): Promise<void> {
    const sleeper = new Sleeper();
    const backoff = new Backoff(RELEASE_BACKOFF);
    while (!this.#tryRelease()) await sleeper.sleep(backoff.next());
  }

  /** @returns whether the slot is released */
  #tryRelease(): boolean {
    try {
      if (this.#realms.hasFilesInUse) return false;
      this.#spool.close();
      this.#slot.release();
      return true;
    } catch (cause) {
      const text = `slot ${this.#slot.number} cannot be released yet: ${describeCause(cause)}`;
      this.#context.events.failed(new ConnectionError('open-failed', text, { cause, retryable: true }));
      return false;
    }
  }

  /** Drops what is too old, then moves the rest. */
  async #expire(): Promise<void> {
    await this.#limits.expire();
    this.#mover.start();
  }

  #beat(): void {
    try {
      if (!this.#slot.isHeld()) {
        clearInterval(this.#heartbeat);
        this.#owner.slotLost(this);
        return;
      }
      this.#context.budget.refresh();
      void this.#expire();
      this.#slot.beat();
      this.#updateMark();
    } catch (cause) {
      this.#context.events.failed(new ConnectionError('open-failed', describeCause(cause), { cause }));
    }
    this.#realms.check();
  }

  #ensureMark(): void {
    try {
      this.#mark?.ensure();
    } catch {
      // The disk is full. Records that still fit into the files matter more than the mark; a later heartbeat makes it.
    }
  }

  #updateMark(): void {
    if (this.isSettled) this.#mark?.clear();
    else this.#mark?.update(this.#spool.count + this.#realms.unsynced);
  }
}

function openSpool(slot: Slot, context: ConnectionContext): Spool {
  const path = slot.path('spool.realm');
  let spool: Spool | undefined;
  try {
    spool = Spool.open(context.Realm, path, context);
    const isShared = context.isNative && (slot.readRealmLock(path)?.participants ?? 1) > 1;
    if (!isShared) return spool;
  } catch (cause) {
    spool?.close();
    slot.release();
    throw toOpenError(cause, `the spool ${path}: `);
  }
  spool.close();
  slot.withdraw();
  throw new SlotInUseError(slot.number);
}
