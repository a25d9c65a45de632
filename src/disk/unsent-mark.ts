import type { Slot } from './slot.js';

/**
 * The mark in a slot which says that records in it may be unacknowledged, and about how many.
 *
 * It is there before the first such record is. It is taken away lazily, at a heartbeat, so that steady traffic does not
 * create and remove a file with every batch.
 */
export class UnsentMark {
  readonly #slot: Slot;
  #marked: number | undefined;

  constructor(slot: Slot) {
    this.#slot = slot;
    this.#marked = slot.readUnsent();
  }

  /** What an earlier life left: so many records, not less than 0; undefined if nothing. */
  get records(): number | undefined {
    return this.#marked;
  }

  /** Before records are written. */
  ensure(): void {
    if (this.#marked === undefined) this.#mark(0);
  }

  /** Brings the mark up to date, or makes it up for `ensure`, where that has failed. */
  update(records: number): void {
    if (this.#marked !== records) this.#mark(records);
  }

  /** Takes the mark away: everything is acknowledged. */
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
