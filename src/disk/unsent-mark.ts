import type { Slot } from './slot.js';

/**
 * The mark in a slot that says that records in it may be unacknowledged, and about how many.
 *
 * It is made before the first such record. It is removed later, at a heartbeat, so that steady traffic does not create and
 * remove a file with every batch.
 */
export class UnsentMark {
  readonly #slot: Slot;
  #marked: number | undefined;

  constructor(slot: Slot) {
    this.#slot = slot;
    this.#marked = slot.readUnsent();
  }

  /** How many records an earlier process left, at least; undefined if none. */
  get records(): number | undefined {
    return this.#marked;
  }

  /** Makes the mark if there is none. Call it before records are written. */
  ensure(): void {
    if (this.#marked === undefined) this.#mark(0);
  }

  /** Updates the mark, or makes it if `ensure` has failed. */
  update(records: number): void {
    if (this.#marked !== records) this.#mark(records);
  }

  /** Removes the mark: everything is acknowledged. */
  clear(): void {
    if (this.#marked === undefined) return;
    this.#slot.markSent();
    this.#marked = undefined;
  }

  #mark(records: number): void {
    this.#slot.markUnsent(records);
    this.#marked = records;
  }
}
