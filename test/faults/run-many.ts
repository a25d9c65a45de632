import { drawScenario } from './draw-scenario.js';
import { runScenario, type RunResult, type RunSettings } from './fault-run.js';
import type { Scenario } from './scenario.js';

/** Realms open at a time: the WebAssembly engine takes 64 MiB of its 2 GiB of addresses for each. */
const maxOpenRealms = 20;

/** Realms that our exporters have open for one client: synced, spool, and now and then the spool of an earlier user. */
const realmsOfExporters = 3;

/**
 * Runs the scenarios of neighbouring seeds, several at a time: they wait more than they work.
 *
 * @param onResult - called for each run, in the order in which they end; false ends it all
 */
export async function runMany(
  options: { readonly firstSeed: number; readonly concurrency: number; readonly settings: RunSettings },
  hasMore: (begun: number) => boolean,
  onResult: (result: RunResult) => boolean,
): Promise<void> {
  const places = new Places(maxOpenRealms);
  let begun = 0;
  let goesOn = true;
  const work = async (): Promise<void> => {
    while (goesOn && hasMore(begun)) {
      const scenario = drawScenario((options.firstSeed + begun) >>> 0);
      begun += 1;
      const giveBack = await places.take(countRealms(scenario));
      try {
        goesOn = onResult(await runScenario(scenario, options.settings)) && goesOn;
      } finally {
        giveBack();
      }
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, work));
}

/** Realms that a scenario's clients have open at most. */
function countRealms({ clients }: Scenario): number {
  return clients.reduce(
    (sum, { realms, exporters }) => sum + realms + (exporters ? realmsOfExporters : 0),
    0,
  );
}

/** A fixed number of places, first come, first served. A request for more than all takes all. */
class Places {
  readonly #total: number;
  readonly #waiting: { readonly count: number; readonly enter: () => void }[] = [];
  #free: number;

  constructor(total: number) {
    this.#total = total;
    this.#free = total;
  }

  /** @returns what gives them back */
  async take(wanted: number): Promise<() => void> {
    const count = Math.min(wanted, this.#total);
    await new Promise<void>((enter) => {
      this.#waiting.push({ count, enter });
      this.#admit();
    });
    return () => {
      this.#free += count;
      this.#admit();
    };
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next && next.count <= this.#free; next = this.#waiting[0]) {
      this.#free -= next.count;
      this.#waiting.shift();
      next.enter();
    }
  }
}
