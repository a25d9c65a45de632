import assert from 'node:assert/strict';
import sinon, { type SinonFakeTimers } from 'sinon';
import { SessionReviver } from '../../src/sync/session-reviver.js';

describe('SessionReviver', () => {
  let clock: SinonFakeTimers;
  let revivals: number;
  let reviver: SessionReviver;

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    revivals = 0;
    reviver = new SessionReviver({ reviveSessions: () => (revivals += 1) });
  });

  afterEach(() => {
    clock.restore();
  });

  it('revives once after several errors, and later after the next one', async () => {
    reviver.schedule();
    reviver.schedule();
    await clock.tickAsync(1000);
    assert.equal(revivals, 1);
    reviver.schedule();
    await clock.tickAsync(999);
    assert.equal(revivals, 1);
    await clock.tickAsync(1001);
    assert.equal(revivals, 2);
  });

  it('revives nothing after stop()', async () => {
    reviver.schedule();
    reviver.stop();
    reviver.schedule();
    await clock.tickAsync(10_000);
    assert.equal(revivals, 0);
  });
});
