import type { ExporterError } from '../errors.js';
import { Alarm } from '../time/alarm.js';
import { Backoff } from '../time/backoff.js';
import { ConnectionError, describeCause } from '../connection-error.js';
import type { Slot, SlotStore } from '../disk/slot.js';
import { SlotAdoption } from './slot-adoption.js';
import { SlotInUseError } from './slot-in-use-error.js';
import { SlotSession, type SlotSessionOptions } from './slot-session.js';

/** So many slots that cannot be opened are passed by; then it is not the slots' doing. */
const MAX_UNUSABLE_SLOTS = 8;

/** Bounds of the time between attempts to open a slot, in milliseconds. */
const BACKOFF = { initialMillis: 1000, maxMillis: 60_000 };

/** What all sessions of a connection share, and where their slots are. */
export interface SlotSessionsOptions extends Omit<SlotSessionOptions, 'onSlotLost'> {
  readonly store: SlotStore;
  /** There is a slot of our own now; whether its files outlive the process. */
  readonly onOwnSlot: (isDurable: boolean) => void;
}

/**
 * The sessions of one connection: that of its own slot, which it opens again and again until it can, and that of a slot
 * which it adopts, one at a time.
 *
 * `onOpen` is called for Realms in the own slot only.
 */
export class SlotSessions {
  readonly #options: SlotSessionsOptions;
  readonly #alarm = new Alarm();
  #own: SlotSession | undefined;
  #adoption: SlotAdoption<SlotSession> | undefined;
  #error: ConnectionError | undefined;
  #isPaused = false;
  #isClosed = false;

  constructor(options: SlotSessionsOptions) {
    this.#options = options;
  }

  /** The session of the own slot, once there is one. */
  get own(): SlotSession | undefined {
    return this.#own;
  }

  /** Why there is none. */
  get error(): ConnectionError | undefined {
    return this.#error;
  }

  *[Symbol.iterator](): Generator<SlotSession> {
    if (this.#own !== undefined) yield this.#own;
    if (this.#adoption?.session !== undefined) yield this.#adoption.session;
  }

  /** Records in slots that wait to be adopted. */
  get waiting(): number {
    return this.#adoption?.countWaiting(this.#own?.slotNumber) ?? 0;
  }

  /** Whether nothing is left to send, in slots that wait to be adopted either. */
  get isSettled(): boolean {
    if (this.#error !== undefined || this.#own?.isSettled === false) return false;
    return this.#adoption?.isSettled ?? true;
  }

  /** Resolves once everything is sent but for what is in slots that cannot be opened. Never rejects. */
  async settled(): Promise<void> {
    await Promise.all([this.#own?.settled(), this.#adoption?.settled()]);
  }

  /** Opens a slot in this turn, or, where that fails, as soon as it can be. */
  open(): void {
    if (!this.#openOwn()) void this.#keepOpening();
  }

  pause(): void {
    this.#isPaused = true;
    for (const session of this) session.pause();
  }

  resume(): void {
    this.#isPaused = false;
    for (const session of this) session.resume();
  }

  /** Closes the files and releases the slots. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#alarm.ring();
    await Promise.all([this.#end(() => this.#adoption?.stop()), this.#end(() => this.#own?.close())]);
  }

  /** @returns whether there is a slot of our own now */
  #openOwn(): boolean {
    try {
      this.#own = this.#openLowest();
    } catch (cause) {
      this.#error = toOpenError(cause);
      this.#report(this.#error);
      return false;
    }
    this.#error = undefined;
    this.#options.onOwnSlot(this.#own.isDurable);
    this.#options.onChange();
    // An engine without files cannot open what others left.
    if (this.#own.isDurable) this.#adopt();
    return true;
  }

  /** In the lowest free slot that can be opened: one that is damaged, or has another encryption key, must not end it all. */
  #openLowest(): SlotSession {
    const passed = new Set<number>();
    let unusable = 0;
    for (;;) {
      const slot = this.#options.store.acquire(passed);
      try {
        return this.#openSession(slot);
      } catch (cause) {
        passed.add(slot.number);
        if (!(cause instanceof SlotInUseError)) unusable += 1;
        if (unusable === MAX_UNUSABLE_SLOTS) throw cause;
        this.#report(toOpenError(cause));
      }
    }
  }

  /** The disk may be full or mounted later. */
  async #keepOpening(): Promise<void> {
    const backoff = new Backoff(BACKOFF);
    do await this.#alarm.sleep(backoff.next());
    while (!this.#hasEnded() && !this.#openOwn());
  }

  #adopt(): void {
    this.#adoption ??= new SlotAdoption({
      store: this.#options.store,
      openSession: (slot) => this.#openSession(slot),
      onError: (cause) => {
        this.#report(toOpenError(cause));
      },
      onChange: this.#options.onChange,
    });
    this.#adoption.lookAround();
  }

  #openSession(slot: Slot): SlotSession {
    const session: SlotSession = new SlotSession(slot, {
      ...this.#options,
      onOpen: (realm) => {
        if (session === this.#own) this.#options.onOpen(realm);
      },
      onSlotLost: () => {
        void this.#lose(session);
      },
    });
    if (this.#isPaused) session.pause();
    return session;
  }

  async #lose(session: SlotSession): Promise<void> {
    const error = new ConnectionError(
      'open-failed',
      'another process took the slot over; a new one is taken',
    );
    this.#report(error);
    if (session !== this.#own) {
      await this.#end(() => this.#adoption?.drop());
      return;
    }
    this.#own = undefined;
    this.#error = error;
    const closed = this.#end(() => session.close());
    if (!this.#isClosed) this.open();
    await closed;
  }

  /** Never rejects. */
  async #end(close: () => Promise<void> | undefined): Promise<void> {
    try {
      await close();
    } catch (cause) {
      this.#report(new ConnectionError('open-failed', `closing: ${describeCause(cause)}`, { cause }));
    }
  }

  #report(error: ExporterError): void {
    this.#options.onError(error);
  }

  /** A method, for the compiler believes a field to keep its value over an await. */
  #hasEnded(): boolean {
    return this.#isClosed;
  }
}

function toOpenError(cause: unknown): ConnectionError {
  if (cause instanceof ConnectionError) return cause;
  return new ConnectionError('open-failed', describeCause(cause), { cause, retryable: true });
}
