import assert from 'node:assert/strict';
import { hrTimeToUnixNano } from '../../src/model/hr-time.js';

describe('HrTime in nanoseconds', () => {
  for (const [what, time, nanos] of [
    ['to the last digit', [1_790_000_000, 123_456_789], 1_790_000_000_123_456_789n],
    ['zero', [0, 0], 0n],
    ['minus zero', [-0, -0], 0n],
    ['before 1970, as the SDK splits it', [-1, -500_000_000], -1_500_000_000n],
    ['of more nanoseconds than a second has', [1, 2_000_000_001], 3_000_000_001n],
    ['the last that 64 bits hold', [9_223_372_036, 854_775_807], 2n ** 63n - 1n],
    ['the first that 64 bits hold', [-9_223_372_036, -854_775_808], -(2n ** 63n)],
  ] as const) {
    it(what, () => {
      assert.equal(hrTimeToUnixNano(time), nanos);
    });
  }

  for (const [what, time] of [
    ['[NaN, NaN]', [NaN, NaN]],
    ['[1, 1.5]', [1, 1.5]],
    ['[1.5, 1]', [1.5, 1]],
    ['infinity', [Infinity, 0]],
    ['one nanosecond beyond 64 bits', [9_223_372_036, 854_775_808]],
    ['far beyond 64 bits', [1e300, 0]],
    ['one number', [1]],
    ['texts', ['1', '2']],
    ['bigints', [1n, 2n]],
    ['a Date', new Date()],
    ['a number', 1],
    ['null', null],
    ['undefined', undefined],
  ] as const) {
    it(`none: ${what}`, () => {
      assert.equal(hrTimeToUnixNano(time), undefined);
    });
  }
});
