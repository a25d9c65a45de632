interface Waiting {
  readonly weight: number;
  enter(): void;
}

/**
 * Turns at something that takes memory: as many at once as their weights allow together, first come, first served, so
 * that a heavy one is not passed by light ones for ever. One alone may have any weight.
 */
export class Turns {
  readonly #maxWeight: number;
  readonly #waiting: Waiting[] = [];
  #weight = 0;

  constructor(maxWeight: number) {
    this.#maxWeight = maxWeight;
  }

  /** Does some work when its turn has come. */
  async take<T>(weight: number, work: () => Promise<T>): Promise<T> {
    if (this.#waiting.length > 0 || !this.#fits(weight)) {
      await new Promise<void>((resolve) => this.#waiting.push({ weight, enter: resolve }));
    } else {
      this.#weight += weight;
    }
    try {
      return await work();
    } finally {
      this.#weight -= weight;
      this.#admit();
    }
  }

  #fits(weight: number): boolean {
    return this.#weight === 0 || this.#weight + weight <= this.#maxWeight;
  }

  #admit(): void {
    for (
      let next = this.#waiting[0];
      next !== undefined && this.#fits(next.weight);
      next = this.#waiting[0]
    ) {
      this.#waiting.shift();
      this.#weight += next.weight;
      next.enter();
    }
  }
}
