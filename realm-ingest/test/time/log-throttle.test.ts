import assert from 'node:assert/strict';
import { LogThrottle } from '../../src/time/log-throttle.js';

describe('LogThrottle', () => {
  it('lets one line a kind and interval through, and says for how many events the next one stands', () => {
    let now = 0;
    const throttle = new LogThrottle(1000, 10, () => now);
    assert.equal(throttle.admit('a'), 1);
    assert.equal(throttle.admit('a'), undefined);
    assert.equal(throttle.admit('a'), undefined);
    assert.equal(throttle.admit('b'), 1);
    now = 1000;
    assert.equal(throttle.admit('a'), 3);
    assert.equal(throttle.admit('a'), undefined);
  });

  it('lets those who make kinds up share one line, and forgets kinds that went quiet', () => {
    let now = 0;
    const throttle = new LogThrottle(1000, 3, () => now);
    const lines = Array.from({ length: 100 }, (_, n) => throttle.admit(`kind ${n}`)).filter(
      (events) => events !== undefined,
    );
    assert.equal(lines.length, 4, 'three kinds, and one line for all others');
    now = 1000;
    assert.equal(throttle.admit('another'), 1);
  });
});
