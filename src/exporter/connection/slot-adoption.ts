import { platform } from '#platform';
import type { Slot, SlotStore } from '../slot/slot.js';
import { nextTurn } from '../turn.js';

/** How often slots are looked through, in milliseconds; the watch on heartbeats needs two looks. */
const ROUND_MILLIS = 120_000;

/** A session in an adopted slot. */
export interface AdoptedSession {
  /** Resolves once nothing is left in it to send. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** What an adoption needs to know. */
export interface SlotAdoptionOptions<Session extends AdoptedSession> {
  readonly store: SlotStore;
  /** @throws any error if the slot cannot be opened; then it is released */
  readonly openSession: (slot: Slot) => Session;
  readonly onError: (cause: unknown) => void;
  readonly onChange: () => void;
}

/**
 * Takes over, one after the other, the slots that nobody holds and that still carry unsent records, sends them, and
 * leaves the slots empty for the next process. At start, and every few minutes.
 */
export class SlotAdoption<Session extends AdoptedSession> {
  readonly #options: SlotAdoptionOptions<Session>;
  readonly #timer: ReturnType<typeof setInterval>;
  #session: Session | undefined;
  #isRunning = false;
  #isStopped = false;

  constructor(options: SlotAdoptionOptions<Session>) {
    this.#options = options;
    this.#timer = setInterval(() => {
      this.lookAround();
    }, ROUND_MILLIS);
    platform.unref(this.#timer);
  }

  /** The session of the slot that is being sent. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** Begins a round, unless one is under way. */
  lookAround(): void {
    if (this.#isStopped || this.#isRunning) return;
    this.#isRunning = true;
    void this.#round().then(() => {
      this.#isRunning = false;
    });
  }

  /** Closes the adopted slot, which keeps its mark if something is left in it. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.drop();
  }

  /** Closes the adopted slot for now, as when another process has taken it. */
  async drop(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }

  async #round(): Promise<void> {
    const { store, openSession, onError, onChange } = this.#options;
    try {
      while (!this.#isStopped) {
        await nextTurn();
        const slot = store.adopt();
        if (slot === undefined) return;
        const session = openSession(slot);
        this.#session = session;
        onChange();
        await session.settled();
        if (this.#session === session) await this.drop();
        onChange();
      }
    } catch (cause) {
      onError(cause);
    }
  }
}
