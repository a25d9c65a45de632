import { platform } from '#platform';
import type { RealmTelemetryError } from '../../errors.js';
import { ConnectionError, describeCause } from '../connection-error.js';
import type { Destination } from '../destination.js';
import type { NativeObjectSchema, NativeRealm, NativeRealmConstructor } from '../realm-types.js';
import { SessionKeeper } from '../session/session-keeper.js';
import { HEARTBEAT_MILLIS } from '../slot/slot-lock.js';
import type { Slot } from '../slot/slot.js';
import { Spool } from '../spool/spool.js';
import { SpoolMover } from '../spool/spool-mover.js';
import { UnsentMark } from '../slot/unsent-mark.js';
import type { UserSource } from '../session/user-source.js';

/** What all sessions of a connection share. */
export interface SlotSessionOptions {
  readonly Realm: NativeRealmConstructor;
  readonly openSource: (slot: Slot) => UserSource;
  readonly schema: readonly NativeObjectSchema[];
  readonly encryptionKey: ArrayBuffer | undefined;
  /** Whether the engine can have files at all. */
  readonly isNative: boolean;
  /** A synced Realm was opened, in a later turn than the constructor's. */
  readonly onOpen: (realm: NativeRealm) => void;
  readonly onChange: () => void;
  readonly onAcknowledged: (records: number) => void;
  readonly onDropped: (reason: string, records: number) => void;
  readonly onError: (error: RealmTelemetryError) => void;
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
  readonly #keeper: SessionKeeper;
  readonly #mover: SpoolMover;
  readonly #mark: UnsentMark | undefined;
  readonly #heartbeat: ReturnType<typeof setInterval>;
  readonly #settledWaiters: (() => void)[] = [];

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
    this.#keeper = new SessionKeeper({
      ...options,
      slot,
      isDurable: this.isDurable,
      onOpen: (synced) => {
        this.#mover.start();
        options.onOpen(synced.realm);
      },
      onChange: () => {
        this.#changed();
      },
      onAcknowledged: (records) => {
        options.onAcknowledged(records);
        this.#changed();
      },
      onLost: (reason, records) => {
        options.onDropped(reason, records);
      },
    });
    this.#mover = new SpoolMover({
      spool: this.#spool,
      destination: () => this.#keeper.synced?.destination,
      onMoved: (count) => {
        this.#keeper.synced?.acknowledgements.add(count);
        this.#changed();
      },
      onDropped: (reason, count, cause) => {
        options.onDropped(reason, count);
        const text = `${count} of the spool: ${cause === undefined ? 'unreadable' : describeCause(cause)}`;
        options.onError(new ConnectionError('write-failed', text, { cause }));
      },
    });
    const marked = this.#mark?.records;
    this.#keeper.start(marked === undefined ? undefined : Math.max(0, marked - this.#spool.count));
    this.#heartbeat = setInterval(() => {
      this.#beat();
    }, HEARTBEAT_MILLIS);
    platform.unref(this.#heartbeat);
  }

  /** Records in the spool. */
  get spooled(): number {
    return this.#spool.count;
  }

  /** Records in synced Realms that no server has acknowledged. */
  get unsynced(): number {
    return this.#keeper.unsynced;
  }

  get isConnected(): boolean {
    return this.#keeper.synced?.isConnected ?? false;
  }

  get isUnauthorized(): boolean {
    return this.#keeper.isUnauthorized;
  }

  /** Whether the spool is empty and no server owes an acknowledgement. */
  get isSettled(): boolean {
    return this.#spool.count === 0 && this.#keeper.isSettled;
  }

  /** Where the next slice of records goes, whose mark is made. */
  destination(): Destination {
    this.#keeper.check();
    this.#mark?.ensure();
    return this.#keeper.synced?.destination ?? this.#spool;
  }

  /** Notes that records were committed to what `destination` gave. */
  stored(destination: Destination, count: number): void {
    const synced = this.#keeper.synced;
    if (synced?.destination === destination) synced.acknowledgements.add(count);
    this.#changed();
  }

  /** Resolves once it is known whether the server can be reached. */
  firstAttempt(): Promise<void> {
    return this.#keeper.firstAttempt();
  }

  /** Resolves once the spool is empty and no server owes an acknowledgement, or at `close`. */
  settled(): Promise<void> {
    if (this.isSettled) return Promise.resolve();
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

  /** Closes the files and releases the slot. */
  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    await this.#mover.stop();
    this.#updateMark();
    await this.#keeper.close();
    this.#spool.close();
    this.#slot.release();
    for (const resolve of this.#settledWaiters.splice(0)) resolve();
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
      this.#slot.beat();
      this.#updateMark();
    } catch (cause) {
      this.#options.onError(new ConnectionError('open-failed', describeCause(cause), { cause }));
    }
    this.#keeper.check();
  }

  #updateMark(): void {
    if (this.isSettled) this.#mark?.clear();
    else this.#mark?.update(this.#spool.count + this.#keeper.unsynced);
  }
}

function openSpool(slot: Slot, { Realm, encryptionKey }: SlotSessionOptions): Spool {
  try {
    return Spool.open(Realm, slot.path('spool.realm'), encryptionKey);
  } catch (cause) {
    slot.release();
    throw new ConnectionError('open-failed', `the spool: ${describeCause(cause)}`, {
      cause,
      retryable: true,
    });
  }
}
