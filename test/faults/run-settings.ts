import { parseSeed } from './random.js';

/** Which runs the tests make. */
export interface FaultRunSettings {
  /** 32 bits. */
  readonly firstSeed: number;
  readonly runCount: number;
}

const defaultRunCount = 200;

/**
 * Reads `FAULT_SEED` (default: a new one) and `FAULT_RUNS` (default: 200).
 *
 * @throws Error that names the variable, if its value is not a seed or not a positive integer; zero runs would find nothing
 */
export function readRunSettings(environment: Readonly<Record<string, string | undefined>>): FaultRunSettings {
  const { FAULT_SEED: seed, FAULT_RUNS: runs } = environment;
  return {
    firstSeed: seed === undefined ? Date.now() >>> 0 : named('FAULT_SEED', parseSeed, seed),
    runCount: runs === undefined ? defaultRunCount : named('FAULT_RUNS', parseRunCount, runs),
  };
}

function parseRunCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/u.test(text)) throw new Error(`not a positive integer: ${JSON.stringify(text)}`);
  return Number(text);
}

function named(name: string, parse: (text: string) => number, text: string): number {
  try {
    return parse(text);
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
  }
}
