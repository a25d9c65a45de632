import { deadLettersFull, letterBytes, type NewDeadLetter } from '../new-dead-letter.js';
import { findDeadLetterKeys, hasLetters, hexOf } from './dead-letter-collection.js';
import type { MongodbDatabase } from './mongodb-database.js';

/** How long a count of the used bytes is trusted. */
const recountMillis = 10_000;

interface Usage {
  readonly letters: number | bigint;
  readonly bytes: number | bigint;
}

/**
 * The room for dead letters. The used bytes are counted at most every ten seconds, and always before letters are refused.
 * The limit is exact for one process; several processes may exceed it by what they add within that time.
 */
export class DeadLetterRoom {
  readonly #database: MongodbDatabase;
  readonly #maxBytes: number;
  #usedBytes = Number.POSITIVE_INFINITY;
  #countedAt = Number.NEGATIVE_INFINITY;

  constructor(database: MongodbDatabase, maxBytes: number) {
    this.#database = database;
    this.#maxBytes = maxBytes;
  }

  /**
   * Reserves room for letters; letters that exist need none.
   *
   * @throws StoreError `store-dead-letters-full` if there is not enough
   */
  async reserve(letters: readonly NewDeadLetter[]): Promise<void> {
    if (letters.length === 0) return;
    const needed = await this.#bytesNeeded(letters);
    if (needed === 0) return;
    const isOld = performance.now() - this.#countedAt > recountMillis;
    if (isOld || this.#usedBytes + needed > this.#maxBytes) await this.#recount();
    if (this.#usedBytes + needed > this.#maxBytes) {
      throw deadLettersFull(this.#maxBytes);
    }
    this.#usedBytes += needed;
  }

  async #bytesNeeded(letters: readonly NewDeadLetter[]): Promise<number> {
    const present = await findDeadLetterKeys(
      this.#database,
      letters.map(({ key }) => key),
    );
    const missing = letters.filter(({ key }) => !present.has(key));
    if (missing.length === 0) return 0;
    const digests = new Map(missing.map(({ digest, sizeBytes }) => [hexOf(digest), sizeBytes]));
    for (const digest of [...digests.keys()]) {
      if (await hasLetters(this.#database, digest)) digests.delete(digest);
    }
    const changesetBytes = [...digests.values()].reduce((sum, size) => sum + size, 0);
    return missing.length * letterBytes + changesetBytes;
  }

  async #recount(): Promise<void> {
    const sums = [
      { $group: { _id: '$digest', letters: { $sum: 1 }, bytes: { $first: '$sizeBytes' } } },
      { $group: { _id: null, letters: { $sum: '$letters' }, bytes: { $sum: '$bytes' } } },
    ];
    const [usage] = await this.#database.collect(
      'count dead letters',
      (options) => this.#database.deadLetters.aggregate<Usage>(sums, options),
      'scan',
    );
    this.#usedBytes = usage === undefined ? 0 : Number(usage.letters) * letterBytes + Number(usage.bytes);
    this.#countedAt = performance.now();
  }
}
