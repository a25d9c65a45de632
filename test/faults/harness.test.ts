import assert from 'node:assert/strict';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineName } from '../support/engine/realm.mjs';
import { drawScenario } from './draw-scenario.js';
import { runScenario, type RunResult, type RunSettings } from './fault-run.js';
import { formatSeed, parseSeed } from './random.js';
import { describeScenario, type ClientPlan, type NetworkFault, type Scenario } from './scenario.js';
import { ServerPool } from './server/server-pool.js';
import { describeFailure } from './totals.js';
import { skip } from '../support/skip.js';

describe('the fault harness', function () {
  this.timeout(120_000);
  let pool: ServerPool;
  let evidenceDirectory: string;

  before(async () => {
    pool = await ServerPool.create(1);
    evidenceDirectory = await mkdtemp(join(tmpdir(), 'fault-evidence-'));
  });

  after(async () => {
    await pool.close();
    await rm(evidenceDirectory, { recursive: true });
  });

  it('finds nothing wrong if nothing is wrong', async () => {
    const { records, lost, duplicated, corrupted, deadLetters, problems } = await run(scenarioOf([]));
    assert.deepEqual(
      { records, lost, duplicated, corrupted, deadLetters, problems },
      { records: 40, lost: 0, duplicated: 0, corrupted: 0, deadLetters: 0, problems: [] },
    );
  });

  it('finds records lost that the store forgot', async () => {
    const result = await run(scenarioOf([]), { lie: 'forgets' });
    assert.ok(result.lost > 0);
    assert.equal(result.duplicated + result.corrupted, 0);
  });

  it('finds documents that the store doubled', async () => {
    const result = await run(scenarioOf([]), { lie: 'doubles' });
    assert.ok(result.duplicated > 0);
    assert.equal(result.lost + result.corrupted, 0);
  });

  it('finds documents that the store altered', async () => {
    const result = await run(scenarioOf([]), { lie: 'alters' });
    assert.ok(result.corrupted > 0);
    assert.equal(result.lost + result.duplicated, 0);
  });

  it('finds an acknowledgement of what was not committed, when its client comes back', async function () {
    // A native client that has everything acknowledged waits a second before it comes back: the run is over by then.
    if (engineName === 'native') skip(this, 'a native client comes back too late');
    const cut: NetworkFault = {
      at: { kind: 'acknowledgement', nth: 1, where: 'after', part: 0 },
      action: { type: 'reset' },
    };
    // A fault that does no harm, and that the run waits for: the client must come back.
    const back: NetworkFault = {
      at: { kind: 'IDENT', nth: 1, where: 'after', part: 0 },
      action: { type: 'delay', millis: 1 },
    };
    // A later commit would raise the progress of the file again, depending on how uploads arrive.
    const result = await run(scenarioOf([cut, back]), { lie: 'forgets-all' });
    assert.match(result.problems.join('\n'), /had more acknowledged than was committed/);
  });

  it('says that a fault did not strike', async () => {
    const never: NetworkFault = {
      at: { kind: 'QUERY', nth: 1, where: 'before', part: 0 },
      action: { type: 'reset' },
    };
    const result = await run(scenarioOf([never]), { strikeMillis: 300 });
    assert.deepEqual(result.problems, ['client 0: never struck: before QUERY 1: RST']);
  });

  it('says that a client does not get through', async () => {
    const deaf: NetworkFault = {
      at: { kind: 'UPLOAD', nth: 1, where: 'before', part: 0 },
      action: { type: 'black-hole', of: 'server', millis: 30_000 },
    };
    const result = await run(scenarioOf([deaf]), { settleMillis: 300 });
    assert.match(result.problems.join('\n'), /client 0 was not done 300 ms after the last fault/);
  });

  it('keeps the log and the store of a run that failed, and says how to have it again', async () => {
    const result = await run(scenarioOf([]), { lie: 'forgets' });
    const evidence = result.evidence ?? '';
    assert.match(await readFile(join(evidence, 'run.txt'), 'utf8'), /seed 0x0badcafe[\s\S]*lost: Span/);
    await access(join(evidence, 'telemetry.db'));
    assert.match(describeFailure(result), /npm run soak -- --seed 0x0badcafe/);
  });

  it('draws the same scenario from the same seed, and another from the next', () => {
    const words = (seed: number): string => describeScenario(drawScenario(seed)).slice(1).join('\n');
    assert.equal(words(4711), words(4711));
    assert.notEqual(words(4711), words(4712));
  });

  it('places at least one fault in every scenario, and every kind of fault in some', () => {
    const types = new Set<string>();
    const kinds = new Set<string>();
    for (let seed = 0; seed < 10_000; seed += 1) {
      const { clients, storeFaults } = drawScenario(seed);
      const faults = clients.flatMap((client) => client.faults);
      assert.ok(faults.length + storeFaults.length > 0, formatSeed(seed));
      for (const { at, action } of faults) {
        types.add(action.type);
        if ('kind' in at) kinds.add(`${at.where} ${at.kind}`);
      }
      for (const { call, action } of storeFaults) types.add(`${call} ${action.type}`);
    }
    assert.equal(types.size, 13 + 6, [...types].join(', '));
    assert.equal(kinds.size, 3 * 18, [...kinds].join(', '));
  });

  it('reads the seeds that it prints', () => {
    assert.equal(parseSeed(formatSeed(0xfedcba98)), 0xfedcba98);
    for (const text of ['', '0x', '0x123456789', '4294967296', '-1', '1.5']) {
      assert.throws(() => parseSeed(text), /not a seed/);
    }
  });

  function run(scenario: Scenario, settings: Partial<RunSettings> = {}): Promise<RunResult> {
    return runScenario(scenario, { pool, evidenceDirectory, ...settings });
  }
});

/** One client with our exporters that records 40 records in all. */
function scenarioOf(faults: readonly NetworkFault[]): Scenario {
  const client: ClientPlan = {
    exporters: true,
    realms: 0,
    recordsPerRound: 20,
    paddingBytes: 0,
    maxExportBatchSize: 10,
    offlineMillis: 0,
    faults,
  };
  return { seed: 0x0badcafe, clients: [client], storeFaults: [], accessTokenSeconds: 1800, rounds: 2 };
}
