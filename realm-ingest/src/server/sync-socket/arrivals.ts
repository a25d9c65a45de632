import type { BudgetAccount, MessageHold } from '../../sync/inflight-budget.js';
import type { OversizedMessage } from './frame-scanner.js';

export interface ArrivalsOptions {
  readonly account: BudgetAccount;
  /** A message above the limit, in its place among the others. */
  refuse(message: OversizedMessage): void;
}

/** Brings together what the frame scanner saw arrive and what `ws` delivers, which may be later. */
export class Arrivals {
  readonly #options: ArrivalsOptions;
  /** In the order of arrival: what each message holds of the budget; or that it was left out. */
  readonly #queue: ({ readonly hold: MessageHold } | { readonly refused: OversizedMessage })[] = [];

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  /** A message has arrived whole, and will be delivered. */
  complete(): void {
    this.#queue.push({ hold: this.#options.account.complete() });
  }

  /** A message was left out. */
  leaveOut(message: OversizedMessage): void {
    this.#queue.push({ refused: message });
    this.#refuseNext();
  }

  /** Delivers the next message: what it holds is `take`'s from here on. */
  deliver(take: (hold: MessageHold) => void): void {
    const next = this.#queue.shift();
    if (next === undefined || !('hold' in next))
      throw new Error('a message was delivered that never arrived');
    take(next.hold);
    this.#refuseNext();
  }

  /** Nothing will be delivered any more. */
  close(): void {
    for (const entry of this.#queue.splice(0)) if ('hold' in entry) entry.hold.release();
    this.#options.account.close();
  }

  #refuseNext(): void {
    for (let next = this.#queue[0]; next !== undefined && 'refused' in next; next = this.#queue[0]) {
      this.#queue.shift();
      this.#options.refuse(next.refused);
    }
  }
}
