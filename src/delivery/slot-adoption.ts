import { platform } from '#platform';
import { toOpenError } from '../connection-error.js';
import type { DeliveryEvents } from '../delivery-events.js';
import type { OrphanedSlot, Slot, SlotStore } from '../disk/slot.js';
import { nextTurn } from '../time/next-turn.js';
import { Sleeper } from '../time/sleep.js';

/** How often a round begins, in milliseconds. The watch on heartbeats needs two rounds. */
const ROUND_MILLIS = 120_000;

/** After this time, a slot that is not empty yet is closed in favour of another slot that waits, in milliseconds. */
const VISIT_MILLIS = 600_000;

/** The delivery of an adopted slot. */
export interface AdoptedDelivery {
  /** Resolves once nothing is left in it to send. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** Opens what is adopted. */
export interface AdoptionOwner<Delivery extends AdoptedDelivery> {
  /** @throws any error if the slot cannot be opened; then it is released */
  openDelivery(slot: Slot): Delivery;
  /** Counts have changed. */
  changed(): void;
}

/**
 * Adopts, one after the other, slots that no process has locked and that contain unsent records: opens the slot, sends the
 * records, and closes it empty. A round begins at start and every two minutes.
 *
 * A slot that cannot be opened, or does not get empty (for example because its user's key was revoked), does not block the
 * others.
 */
export class SlotAdoption<Delivery extends AdoptedDelivery> {
  readonly #store: SlotStore;
  readonly #events: DeliveryEvents;
  readonly #owner: AdoptionOwner<Delivery>;
  readonly #timer: ReturnType<typeof setInterval>;
  #current: Delivery | undefined;
  #round: Promise<void> | undefined;
  /** Numbers of the slots that were visited, or could not be opened, in this round. */
  #visited = new Set<number>();
  #orphans: readonly OrphanedSlot[] = [];
  #isStopped = false;

  constructor(store: SlotStore, events: DeliveryEvents, owner: AdoptionOwner<Delivery>) {
    this.#store = store;
    this.#events = events;
    this.#owner = owner;
    this.#timer = setInterval(() => {
      this.startRound();
    }, ROUND_MILLIS);
    platform.unref(this.#timer);
  }

  /** The delivery of the slot that is adopted now. */
  get current(): Delivery | undefined {
    return this.#current;
  }

  /**
   * Records in slots that wait to be adopted, by the last count.
   *
   * @param own - the number of the connection's own slot, which waits for the next process once it is released
   */
  countWaiting(own?: number): number {
    return this.#orphans.reduce((sum, { number, records }) => (number === own ? sum : sum + records), 0);
  }

  /** Whether no slot is adopted now, and none waited at the last count. */
  get isSettled(): boolean {
    return this.#current === undefined && this.#orphans.length === 0;
  }

  /** Begins a round, unless one is under way. */
  startRound(): void {
    if (this.#isStopped || this.#round !== undefined) return;
    this.#countOrphans();
    this.#round = this.#visitAll().then(() => {
      this.#round = undefined;
    });
  }

  /** Resolves once every slot that waited was adopted and sent, or could not be opened; also at `stop`. */
  async settled(): Promise<void> {
    const visited = new Set<number>();
    let isNew: boolean;
    do {
      const { size } = visited;
      this.startRound();
      await this.#round;
      for (const number of this.#visited) visited.add(number);
      // Other slots may wait now. But if this round visited no new slot, the next one will not either.
      isNew = visited.size > size && this.#orphans.some(({ number }) => !visited.has(number));
    } while (isNew && !this.#isStopped);
  }

  /** Closes the adopted slot, which keeps its mark if something is left in it. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.closeCurrent();
    this.#countOrphans();
  }

  /** Closes the adopted slot, for example because another process has taken it. The round goes on with the next one. */
  async closeCurrent(): Promise<void> {
    const delivery = this.#current;
    this.#current = undefined;
    await delivery?.close();
  }

  #countOrphans(): void {
    try {
      this.#orphans = this.#store.orphans();
    } catch {
      return; // the disk fails, which the round itself reports
    }
    this.#owner.changed();
  }

  async #visitAll(): Promise<void> {
    this.#visited = new Set();
    try {
      await nextTurn();
      let slot = this.#isStopped ? undefined : this.#store.adopt(this.#visited);
      while (slot !== undefined) {
        this.#visited.add(slot.number);
        slot = await this.#visit(slot);
      }
    } catch (cause) {
      this.#events.failed(toOpenError(cause));
    }
    this.#countOrphans();
  }

  /** @returns the next slot to visit, acquired */
  async #visit(slot: Slot): Promise<Slot | undefined> {
    let next: Slot | undefined;
    try {
      const delivery = this.#owner.openDelivery(slot);
      this.#current = delivery;
      this.#orphans = this.#orphans.filter(({ number }) => number !== slot.number);
      this.#owner.changed();
      try {
        next = await this.#empty(delivery);
      } finally {
        if (this.#current === delivery) await this.closeCurrent();
        this.#countOrphans();
      }
    } catch (cause) {
      this.#events.failed(toOpenError(cause));
    }
    await nextTurn();
    if (!this.#isStopped) return next ?? this.#store.adopt(this.#visited);
    next?.release();
    return undefined;
  }

  /** Waits until nothing is left in a slot, or another slot waits. @returns the one that waits, acquired */
  async #empty(delivery: Delivery): Promise<Slot | undefined> {
    while (!(await isSettledSoon(delivery))) {
      const next = this.#store.adopt(this.#visited);
      // The slots that were visited get another visit in the next round.
      if (next !== undefined || this.#visited.size > 1) return next;
    }
    return undefined;
  }
}

/** Waits for as long as one visit may take. The timer does not keep the process alive. */
async function isSettledSoon(delivery: AdoptedDelivery): Promise<boolean> {
  const sleeper = new Sleeper();
  const settled = delivery.settled().then(() => {
    sleeper.wake();
    return true;
  });
  return Promise.race([settled, sleeper.sleep(VISIT_MILLIS).then(() => false)]);
}
