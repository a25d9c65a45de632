import assert from 'node:assert/strict';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeMongodb, mongodbUri } from '../mongodb/test-database.js';
import type { RunSettings } from './fault-run.js';
import { mongodbStores } from './mongodb-stores.js';
import { formatSeed } from './random.js';
import { runMany } from './run-many.js';
import { readRunSettings, type FaultRunSettings } from './run-settings.js';
import { ServerPool } from './server/server-pool.js';
import { describeFailure, Totals } from './totals.js';

/** Runs of one test, so that a test says soon that something is wrong. */
const groupSize = 50;
const concurrency = 6;

/** Hours for a machine that does much else. */
const timeoutMillis = 20 * 60_000;

try {
  defineRuns(readRunSettings(process.env));
} catch (error) {
  // Mocha hides what a file throws while it is loaded behind an error of its own.
  it('fault runs know their settings', () => {
    throw error;
  });
}

function defineRuns({ firstSeed, runCount }: FaultRunSettings): void {
  describe(`fault runs on SQLite (${runCount} from seed ${formatSeed(firstSeed)})`, function () {
    this.timeout(timeoutMillis);
    suiteOf(firstSeed, runCount, {});
  });

  describeMongodb('fault runs on MongoDB', function () {
    this.timeout(timeoutMillis);
    suiteOf(firstSeed, 20, { storeFor: mongodbStores(mongodbUri ?? '') });
  });
}

function suiteOf(firstSeed: number, count: number, settings: Pick<RunSettings, 'storeFor'>): void {
  const totals = new Totals();
  let pool: ServerPool;
  let evidenceDirectory: string;

  before(async () => {
    pool = await ServerPool.create(2);
    evidenceDirectory = await mkdtemp(join(tmpdir(), 'fault-evidence-'));
  });

  after(async () => {
    await pool.close();
    if (totals.failed.length === 0) await rmdir(evidenceDirectory);
    console.log(`    ${totals.toString()} (${totals.faultsByKind})`); // eslint-disable-line no-console -- the figures
  });

  for (let first = 0; first < count; first += groupSize) {
    const size = Math.min(groupSize, count - first);
    it(`lose nothing, double nothing and change nothing: ${first + 1} to ${first + size}`, async () => {
      await runMany(
        {
          firstSeed: firstSeed + first,
          concurrency,
          settings: { pool, evidenceDirectory, ...settings },
        },
        (begun) => begun < size,
        (result) => {
          totals.add(result);
          assert.ok(
            result.struck.length > 0,
            `no fault struck with seed ${formatSeed(result.scenario.seed)}`,
          );
          return true;
        },
      );
      assert.deepEqual(totals.failed.splice(0).map(describeFailure), []);
    });
  }
}
