import { ConnectionError, describeCause, toOpenError } from '../connection-error.js';
import { SlotInUseError } from '../disk/slot-in-use-error.js';
import type { Slot, SlotStore } from '../disk/slot.js';
import type { Destination } from '../realm/destination.js';
import { RealmPromise } from '../realm/realm-promise.js';
import type { ConnectionContext } from '../sync/connection-context.js';
import type { SyncedRealm } from '../sync/synced-realm.js';
import { Backoff } from '../time/backoff.js';
import { Sleeper } from '../time/sleep.js';
import type { ConnectionState } from './connection-status.js';
import type { DestinationPicker, PickedDestination } from './record-writer.js';
import { SlotAdoption, type AdoptionOwner } from './slot-adoption.js';
import { SlotDelivery, type SlotOwner } from './slot-delivery.js';
import type { StatusBoard } from './status-board.js';

/** After this many slots that cannot be opened, the slots are not the cause. */
const MAX_UNUSABLE_SLOTS = 8;

/** Bounds of the time between attempts to open a slot, in milliseconds. */
const BACKOFF = { initialMillis: 1000, maxMillis: 60_000 };

/**
 * The slots of one connection: its own, which it opens again and again until it can, and one at a time that it adopts.
 */
export class DeliverySlots implements DestinationPicker, SlotOwner, AdoptionOwner<SlotDelivery> {
  /** The current Realm of the own slot. */
  readonly realm = new RealmPromise();
  readonly #store: SlotStore;
  readonly #context: ConnectionContext;
  readonly #board: StatusBoard;
  readonly #sleeper = new Sleeper();
  #own: SlotDelivery | undefined;
  #adoption: SlotAdoption<SlotDelivery> | undefined;
  #error: ConnectionError | undefined;
  #isPaused = false;
  #isClosed = false;

  constructor(store: SlotStore, context: ConnectionContext, board: StatusBoard) {
    this.#store = store;
    this.#context = context;
    this.#board = board;
  }

  /** The own slot's delivery, if a slot is open. */
  get own(): SlotDelivery | undefined {
    return this.#own;
  }

  /** Whether nothing is left to send, in slots that wait to be adopted either. */
  get isSettled(): boolean {
    if (this.#error !== undefined || this.#own?.isSettled === false) return false;
    return this.#adoption?.isSettled ?? true;
  }

  /** Resolves once everything is sent, except records in slots that cannot be opened. Never rejects. */
  async settled(): Promise<void> {
    await Promise.all([this.#own?.settled(), this.#adoption?.settled()]);
  }

  /** Opens a slot in this turn, or, if that fails, as soon as possible. */
  open(): void {
    if (!this.#openOwn()) void this.#keepOpening();
  }

  /** @throws ConnectionError if no slot is open, or the device is full */
  pick(nextBytes: number, avoided: Destination | undefined): PickedDestination | undefined {
    if (this.#own !== undefined) return this.#own.pick(nextBytes, avoided);
    throw this.#error ?? new ConnectionError('open-failed', 'no slot is open');
  }

  stored(destination: Destination, count: number, sizeBytes: number): void {
    this.#own?.stored(destination, count, sizeBytes);
  }

  pause(): void {
    this.#isPaused = true;
    for (const delivery of this.#deliveries()) delivery.pause();
    this.changed();
  }

  resume(): void {
    this.#isPaused = false;
    for (const delivery of this.#deliveries()) delivery.resume();
    this.changed();
  }

  /** Closes the files and releases the slots. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#sleeper.wake();
    await Promise.all([this.#end(() => this.#adoption?.stop()), this.#end(() => this.#own?.close())]);
    this.realm.reject(new ConnectionError('connection-closed', 'its Realm is not open any more'));
  }

  realmOpened(delivery: SlotDelivery, { realm }: SyncedRealm): void {
    if (delivery === this.#own) this.realm.resolve(realm);
  }

  slotLost(delivery: SlotDelivery): void {
    void this.#replace(delivery);
  }

  changed(): void {
    let spooled = 0;
    let unsynced = this.#adoption?.countWaiting(this.#own?.slotNumber) ?? 0;
    for (const delivery of this.#deliveries()) {
      spooled += delivery.spooled;
      unsynced += delivery.unsynced;
    }
    const storedBytes = this.#context.budget.takenBytes;
    this.#board.change({ spooled, unsynced, storedBytes, state: this.#state() });
  }

  /** @throws ConnectionError; then the slot is released */
  openDelivery(slot: Slot): SlotDelivery {
    const delivery = new SlotDelivery(slot, this.#context, this);
    if (this.#isPaused) delivery.pause();
    return delivery;
  }

  #state(): ConnectionState {
    if (this.#isPaused) return 'paused';
    if (this.#own?.isConnected === true) return 'connected';
    return this.#own?.isUnauthorized === true ? 'unauthorized' : 'connecting';
  }

  #deliveries(): SlotDelivery[] {
    return [this.#own, this.#adoption?.current].filter((delivery) => delivery !== undefined);
  }

  /** @returns whether a slot is open now */
  #openOwn(): boolean {
    try {
      this.#own = this.#openLowest();
    } catch (cause) {
      this.#error = toOpenError(cause);
      this.#board.failed(this.#error);
      return false;
    }
    this.#error = undefined;
    this.#board.slotOpened(this.#own.isDurable);
    this.changed();
    // An engine without files cannot open what other processes left.
    if (this.#own.isDurable) this.#adopt();
    return true;
  }

  /** Opens the lowest free slot that can be opened: a slot that is damaged, or has another encryption key, is skipped. */
  #openLowest(): SlotDelivery {
    const skipped = new Set<number>();
    let unusable = 0;
    for (;;) {
      const slot = this.#store.acquire(skipped);
      try {
        return this.openDelivery(slot);
      } catch (cause) {
        skipped.add(slot.number);
        if (!(cause instanceof SlotInUseError)) unusable += 1;
        if (unusable === MAX_UNUSABLE_SLOTS) throw cause;
        this.#board.failed(toOpenError(cause));
      }
    }
  }

  /** The disk may have room, or be mounted, later. */
  async #keepOpening(): Promise<void> {
    const backoff = new Backoff(BACKOFF);
    do await this.#sleeper.sleep(backoff.next());
    while (!this.#hasEnded() && !this.#openOwn());
  }

  #adopt(): void {
    this.#adoption ??= new SlotAdoption(this.#store, this.#context.events, this);
    this.#adoption.startRound();
  }

  async #replace(lost: SlotDelivery): Promise<void> {
    const error = new ConnectionError(
      'open-failed',
      'another process took the slot over; a new one is taken',
    );
    this.#board.failed(error);
    if (lost !== this.#own) {
      await this.#end(() => this.#adoption?.closeCurrent());
      return;
    }
    this.#own = undefined;
    this.#error = error;
    const closed = this.#end(() => lost.close());
    if (!this.#isClosed) this.open();
    await closed;
  }

  /** Never rejects. */
  async #end(close: () => Promise<void> | undefined): Promise<void> {
    try {
      await close();
    } catch (cause) {
      this.#board.failed(new ConnectionError('open-failed', `closing: ${describeCause(cause)}`, { cause }));
    }
  }

  /** A method, because TypeScript keeps narrowing across `await`. */
  #hasEnded(): boolean {
    return this.#isClosed;
  }
}
