interface Waiting {
  readonly weight: number;
  enter(): void;
}

/**
 * Bounds work that runs at the same time by its weight. First come, first served: light work does not overtake heavy
 * work. One work alone may have any weight.
 */
export class WeightedSemaphore {
  readonly #maxWeight: number;
  readonly #waiting: Waiting[] = [];
  #weight = 0;

  constructor(maxWeight: number) {
    this.#maxWeight = maxWeight;
  }

  /** Waits until there is room for `weight`, then does the work. */
  async run<T>(weight: number, work: () => Promise<T>): Promise<T> {
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
