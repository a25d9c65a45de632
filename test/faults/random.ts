/**
 * Numbers that a seed decides: the same seed gives the same scenario on every machine.
 *
 * SplitMix32 with the finalizer of MurmurHash3; neighbouring seeds give unrelated numbers.
 */
export class Random {
  #state: number;

  /** @param seed - 32 bits */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0, below 1. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let hash = this.#state;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  integer(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  /** True so often, of 1. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.integer(0, items.length - 1)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  /** One of several, each as often as its weight says. */
  weighted<T>(items: readonly (readonly [weight: number, item: T])[]): T {
    let left = this.next() * items.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, item] of items) {
      left -= weight;
      if (left < 0) return item;
    }
    return items[items.length - 1]![1];
  }

  bytes(count: number): Uint8Array<ArrayBuffer> {
    const words = new Uint32Array(Math.ceil(count / 4));
    for (let n = 0; n < words.length; n += 1) words[n] = this.integer(0, 2 ** 32 - 1);
    return new Uint8Array(words.buffer.slice(0, count));
  }

  /** An independent generator: drawing from one does not change the other. */
  fork(): Random {
    return new Random(this.integer(0, 2 ** 32 - 1));
  }
}

/** As seeds are printed and given: `0x0001f00d`. */
export function formatSeed(seed: number): string {
  return `0x${(seed >>> 0).toString(16).padStart(8, '0')}`;
}

/** @throws Error if it is not a 32-bit seed, hexadecimal with `0x` or decimal */
export function parseSeed(text: string): number {
  const seed = /^(0x[0-9a-f]{1,8}|\d{1,10})$/iu.test(text) ? Number(text) : Number.NaN;
  if (!(seed < 2 ** 32)) throw new Error(`not a seed of 32 bits: ${JSON.stringify(text)}`);
  return seed;
}
