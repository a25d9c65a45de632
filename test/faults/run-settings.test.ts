import assert from 'node:assert/strict';
import { readRunSettings } from './run-settings.js';

describe('the settings of the fault runs', () => {
  it('are 200 runs, from a seed as it is printed', () => {
    assert.equal(readRunSettings({}).runCount, 200);
    assert.deepEqual(readRunSettings({ FAULT_SEED: '0x0001f00d', FAULT_RUNS: '25' }), {
      firstSeed: 0x1f00d,
      runCount: 25,
    });
  });

  for (const text of ['', '0', '-1', '1.5', '1e3', 'abc', '99999999999']) {
    it(`refuse ${JSON.stringify(text)} as a number of runs`, () => {
      assert.throws(() => readRunSettings({ FAULT_RUNS: text }), {
        message: `FAULT_RUNS: not a positive integer: ${JSON.stringify(text)}`,
      });
    });
  }

  for (const text of ['', 'abc', '-1', '0x123456789']) {
    it(`refuse ${JSON.stringify(text)} as a seed`, () => {
      assert.throws(() => readRunSettings({ FAULT_SEED: text }), {
        message: `FAULT_SEED: not a seed of 32 bits: ${JSON.stringify(text)}`,
      });
    });
  }
});
