import { hasFailed, type RunResult } from './fault-run.js';
import { describeScenario } from './scenario.js';
import { formatSeed } from './random.js';

/** What many runs came to. */
export class Totals {
  runs = 0;
  records = 0;
  resent = 0;
  lost = 0;
  duplicated = 0;
  corrupted = 0;
  deadLetters = 0;
  readonly failed: RunResult[] = [];
  readonly #struck = new Map<string, number>();

  add(result: RunResult): void {
    this.runs += 1;
    this.records += result.records;
    this.resent += result.resent;
    this.lost += result.lost;
    this.duplicated += result.duplicated;
    this.corrupted += result.corrupted;
    this.deadLetters += result.deadLetters;
    for (const kind of result.struck) this.#struck.set(kind, (this.#struck.get(kind) ?? 0) + 1);
    if (hasFailed(result)) this.failed.push(result);
  }

  /** Faults that struck, of all kinds. */
  get faults(): number {
    return [...this.#struck.values()].reduce((sum, count) => sum + count, 0);
  }

  /** `reset 31, kill-server 12, …`, most frequent first. */
  get faultsByKind(): string {
    return [...this.#struck]
      .sort(([, one], [, other]) => other - one)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(', ');
  }

  toString(): string {
    const { runs, faults, records, lost, duplicated, corrupted } = this;
    return `${runs} runs, ${faults} faults, ${records} records: lost ${lost}, duplicated ${duplicated}, corrupted ${corrupted}`;
  }
}

/** A failed run for people: what it did, what came of it, and how to have it again. */
export function describeFailure(result: RunResult): string {
  const { scenario, lost, duplicated, corrupted, deadLetters, problems, examples, evidence } = result;
  return [
    ...describeScenario(scenario),
    `lost ${lost}, duplicated ${duplicated}, corrupted ${corrupted}, dead letters ${deadLetters}`,
    ...problems,
    ...examples,
    `again: npm run soak -- --seed ${formatSeed(scenario.seed)}`,
    `evidence: ${evidence ?? 'none'}`,
  ].join('\n');
}
