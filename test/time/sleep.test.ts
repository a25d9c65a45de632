import assert from 'node:assert/strict';
import sinon, { type SinonFakeTimers } from 'sinon';
import { sleep, Sleeper } from '../../src/time/sleep.js';

describe('Sleeper', () => {
  let clock: SinonFakeTimers;
  let sleeper: Sleeper;
  let isAwake: boolean;

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    sleeper = new Sleeper();
    isAwake = false;
  });

  afterEach(() => {
    clock.restore();
  });

  function start(millis?: number): void {
    isAwake = false;
    void sleeper.sleep(millis).then(() => (isAwake = true));
  }

  it('sleeps for the time', async () => {
    start(100);
    await clock.tickAsync(99);
    assert.equal(isAwake, false);
    await clock.tickAsync(1);
    assert.equal(isAwake, true);
  });

  it('is woken early, and leaves no timer', async () => {
    start(100);
    sleeper.wake();
    await clock.tickAsync(0);
    assert.equal(isAwake, true);
    assert.equal(clock.countTimers(), 0);
  });

  it('sleeps without a limit if no time is given', async () => {
    start();
    await clock.tickAsync(1_000_000);
    assert.equal(isAwake, false);
    sleeper.wake();
    await clock.tickAsync(0);
    assert.equal(isAwake, true);
  });

  it('ends the next sleep at once if it was woken before, and only that one', async () => {
    sleeper.wake();
    sleeper.wake();
    start(100);
    await clock.tickAsync(0);
    assert.equal(isAwake, true);
    start(100);
    await clock.tickAsync(0);
    assert.equal(isAwake, false);
  });
});

describe('sleep', () => {
  it('resolves after the time', async () => {
    await sleep(1);
  });
});
