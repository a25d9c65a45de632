import assert from 'node:assert/strict';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeMongodb, mongodbUri } from '../support/mongodb/test-database.js';
import { formatSeed } from './random.js';
import { runInProcess } from './run-in-process.js';
import { readRunSettings, type FaultRunSettings } from './run-settings.js';
import { describeFailure, Totals } from './totals.js';

/** Runs of one test, so that a test says soon that something is wrong. */
const groupSize = 50;
const concurrency = 6;

/** Hours for a machine that does much else. */
const timeoutMillis = 20 * 60_000;

try {
  defineRuns(readRunSettings(process.env));
} catch (error) {
  // If a file throws while it is loaded, mocha hides that behind its own error.
  it('fault runs know their settings', () => {
    throw error;
  });
}

function defineRuns({ firstSeed, runCount }: FaultRunSettings): void {
  describe(`fault runs on SQLite (${runCount} from seed ${formatSeed(firstSeed)})`, function () {
    this.timeout(timeoutMillis);
    suiteOf(firstSeed, runCount);
  });

  describeMongodb('fault runs on MongoDB', function () {
    this.timeout(timeoutMillis);
    suiteOf(firstSeed, 20, mongodbUri);
  });
}

function suiteOf(firstSeed: number, count: number, store?: string): void {
  const totals = new Totals();
  let evidenceDirectory: string;

  before(async () => {
    evidenceDirectory = await mkdtemp(join(tmpdir(), 'fault-evidence-'));
  });

  after(async () => {
    if (totals.failed.length === 0) await rmdir(evidenceDirectory);
    console.log(`    ${totals.toString()} (${totals.faultsByKind})`); // eslint-disable-line no-console -- the figures
  });

  for (let first = 0; first < count; first += groupSize) {
    const size = Math.min(groupSize, count - first);
    it(`lose nothing, double nothing and change nothing: ${first + 1} to ${first + size}`, async () => {
      const failedBefore = totals.failed.length;
      const runsBefore = totals.runs;
      await runInProcess(
        {
          firstSeed: (firstSeed + first) >>> 0,
          maxRuns: size,
          millis: timeoutMillis,
          ...{ concurrency, evidenceDirectory, store },
        },
        ({ result }) => {
          totals.add(result);
        },
      );
      assert.deepEqual(totals.failed.slice(failedBefore).map(describeFailure), []);
      assert.equal(totals.runs - runsBefore, size);
    });
  }
}
