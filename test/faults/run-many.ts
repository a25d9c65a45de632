import { drawScenario } from './draw-scenario.js';
import { runScenario, type RunResult, type RunSettings } from './fault-run.js';

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
  let begun = 0;
  let goesOn = true;
  const work = async (): Promise<void> => {
    while (goesOn && hasMore(begun)) {
      const seed = (options.firstSeed + begun) >>> 0;
      begun += 1;
      goesOn = onResult(await runScenario(drawScenario(seed), options.settings)) && goesOn;
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, work));
}
