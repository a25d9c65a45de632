import { platform } from '#platform';
import { Alarm } from '../time/alarm.js';
import type { OrphanedSlot, Slot, SlotStore } from '../disk/slot.js';
import { nextTurn } from '../time/next-turn.js';

/** How often slots are looked through, in milliseconds; the watch on heartbeats needs two looks. */
const ROUND_MILLIS = 120_000;

/** After how long a slot that is not empty yet is left for another that waits, in milliseconds. */
const VISIT_MILLIS = 600_000;

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
 *
 * A slot that cannot be opened, or does not get empty, as with files of a user whose key was revoked, keeps none of the
 * others waiting for ever.
 */
export class SlotAdoption<Session extends AdoptedSession> {
  readonly #options: SlotAdoptionOptions<Session>;
  readonly #timer: ReturnType<typeof setInterval>;
  #session: Session | undefined;
  #round: Promise<void> | undefined;
  /** Numbers of the slots that were visited, or could not be opened, in this round. */
  #visited = new Set<number>();
  #orphans: readonly OrphanedSlot[] = [];
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

  /**
   * Records in slots that wait to be adopted, as they were counted when somebody last looked.
   *
   * @param own - the number of the connection's own slot, which waits for the next process once it is released
   */
  countWaiting(own?: number): number {
    return this.#orphans.reduce((sum, { number, records }) => (number === own ? sum : sum + records), 0);
  }

  /** Whether no slot is being sent, and none was waiting for it when somebody last looked. */
  get isSettled(): boolean {
    return this.#session === undefined && this.#orphans.length === 0;
  }

  /** Begins a round, unless one is under way. */
  lookAround(): void {
    if (this.#isStopped || this.#round !== undefined) return;
    this.#look();
    this.#round = this.#visitAll().then(() => {
      this.#round = undefined;
    });
  }

  /** Resolves once every slot that waited was adopted and sent, or could not be opened; also when it is stopped. */
  async settled(): Promise<void> {
    const visited = new Set<number>();
    let isNew: boolean;
    do {
      const { size } = visited;
      this.lookAround();
      await this.#round;
      for (const number of this.#visited) visited.add(number);
      // Others may have come meanwhile; but a round that came no further than those before it will not do so now.
      isNew = visited.size > size && this.#orphans.some(({ number }) => !visited.has(number));
    } while (isNew && !this.#isStopped);
  }

  /** Closes the adopted slot, which keeps its mark if something is left in it. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.drop();
    this.#look();
  }

  /** Closes the adopted slot for now, as when another process has taken it. */
  async drop(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }

  #look(): void {
    try {
      this.#orphans = this.#options.store.orphans();
    } catch {
      return; // a disk that fails, of which the round itself tells
    }
    this.#options.onChange();
  }

  async #visitAll(): Promise<void> {
    const { store, onError } = this.#options;
    this.#visited = new Set();
    try {
      await nextTurn();
      let slot = this.#isStopped ? undefined : store.adopt(this.#visited);
      while (slot !== undefined) {
        this.#visited.add(slot.number);
        slot = await this.#visit(slot);
      }
    } catch (cause) {
      onError(cause);
    }
    this.#look();
  }

  /** @returns the slot to go on with, taken */
  async #visit(slot: Slot): Promise<Slot | undefined> {
    const { store, openSession, onError } = this.#options;
    let next: Slot | undefined;
    try {
      const session = openSession(slot);
      this.#session = session;
      this.#orphans = this.#orphans.filter(({ number }) => number !== slot.number);
      this.#options.onChange();
      try {
        next = await this.#empty(session);
      } finally {
        if (this.#session === session) await this.drop();
        this.#look();
      }
    } catch (cause) {
      onError(cause);
    }
    await nextTurn();
    if (!this.#isStopped) return next ?? store.adopt(this.#visited);
    next?.release();
    return undefined;
  }

  /** Waits until nothing is left in a slot, or another waits: @returns that one, taken. */
  async #empty(session: Session): Promise<Slot | undefined> {
    while (!(await isSettledSoon(session))) {
      const next = this.#options.store.adopt(this.#visited);
      // Those that were visited come again in the next round.
      if (next !== undefined || this.#visited.size > 1) return next;
    }
    return undefined;
  }
}

/** Waits as long as one visit may take; the timer keeps no process alive. */
async function isSettledSoon(session: AdoptedSession): Promise<boolean> {
  const alarm = new Alarm();
  const settled = session.settled().then(() => {
    alarm.ring();
    return true;
  });
  return Promise.race([settled, alarm.sleep(VISIT_MILLIS).then(() => false)]);
}
