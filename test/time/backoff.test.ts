import assert from 'node:assert/strict';
import { Backoff } from '../../src/time/backoff.js';

describe('Backoff', () => {
  it('doubles from the first delay to the longest', () => {
    const backoff = new Backoff({ initialMillis: 1000, maxMillis: 5000, random: () => 0 });
    assert.deepEqual(
      [backoff.next(), backoff.next(), backoff.next(), backoff.next()],
      [1000, 2000, 4000, 5000],
    );
  });

  it('cuts a delay by up to half', () => {
    const backoff = new Backoff({ initialMillis: 1000, maxMillis: 5000, random: () => 0.999_999 });
    assert.equal(Math.round(backoff.next()), 500);
  });

  it('starts over after a reset, and gives the longest delay on demand', () => {
    const backoff = new Backoff({ initialMillis: 1000, maxMillis: 5000, random: () => 0 });
    backoff.next();
    backoff.next();
    backoff.reset();
    assert.equal(backoff.longest(), 5000);
    assert.equal(backoff.next(), 1000);
  });
});
