import assert from 'node:assert/strict';
import sinon, { type SinonFakeTimers } from 'sinon';
import { LogInLoop } from '../../src/sync/log-in-loop.js';
import type { SyncOwner } from '../../src/sync/sync-owner.js';
import { ABSENCE_MILLIS } from '../../src/sync/synced-realm.js';
import { UserRealms } from '../../src/sync/user-realms.js';
import { settledWithin } from '../../src/time/bounded-wait.js';
import type { NativeUser } from '../../src/realm/realm-types.js';
import type { EngineBoundary } from '../support/engine-boundary.js';
import { SlotFixture, turns } from '../support/slot-fixture.js';

/** Longer than every back-off. */
const LONG_MILLIS = 400_000;

describe('LogInLoop', () => {
  let fixture: SlotFixture;
  let engine: EngineBoundary;
  let realms: UserRealms;
  let loop: LogInLoop;
  let clock: SinonFakeTimers;

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    fixture = new SlotFixture();
    engine = fixture.engine;
    engine.isConnected = true;
    const owner: SyncOwner = {
      opened: () => undefined,
      acknowledged: () => undefined,
      userGone: () => {
        loop.restart();
      },
      changed: () => undefined,
    };
    realms = new UserRealms(fixture.slot, true, undefined, fixture.context, owner);
    loop = new LogInLoop(fixture.slot, realms, fixture.context, owner);
  });

  afterEach(async () => {
    await loop.close();
    realms.close();
    sinon.restore();
    fixture.remove();
  });

  async function start(): Promise<void> {
    loop.start();
    await turns();
  }

  async function pass(millis: number): Promise<void> {
    await clock.tickAsync(millis);
    await turns();
  }

  function refuse(error: unknown): void {
    // As Realm does, which rejects with strings and plain objects, too.
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    engine.logIn = () => Promise.reject(error);
  }

  /** Log-ins so far. */
  const logIns = () => engine.calls.filter((call) => call === 'log in').length;
  const isFirstAttemptOver = async () => {
    const over = settledWithin(realms.firstAttempt(), 0);
    await clock.tickAsync(0);
    return over;
  };

  it('logs in, and opens the Realm of the user', async () => {
    await start();
    assert.deepEqual(engine.calls, ['log in', 'open', 'listen']);
    assert.equal(realms.current?.user, engine.user);
    assert.equal(loop.isUnauthorized, false);
  });

  it('opens the Realm of a cached user before it logs in, also if the log-in fails', async () => {
    engine.cachedUser = engine.user;
    refuse('network error');
    await start();
    assert.deepEqual(engine.calls, ['open', 'listen', 'log in']);
    assert.equal(realms.current?.user, engine.user);
  });

  describe('after a failure', () => {
    it('tries again with a back-off, until it succeeds', async () => {
      refuse('network error');
      await start();
      assert.equal(await isFirstAttemptOver(), true);
      await pass(1000);
      assert.equal(logIns(), 2);
      await pass(2000);
      assert.equal(logIns(), 3);
      assert.deepEqual(
        fixture.events.errors.map(({ code }) => code),
        ['login-failed', 'login-failed', 'login-failed'],
      );
      engine.logIn = () => Promise.resolve(engine.user);
      await pass(LONG_MILLIS);
      assert.equal(realms.current?.user, engine.user);
    });

    it('waits for minutes if the server refuses the credentials', async () => {
      refuse({ message: 'invalid API key', code: 4325 });
      await start();
      assert.equal(loop.isUnauthorized, true);
      assert.match(fixture.events.messages.join(), /invalid API key; it is tried again every few minutes/);
      await pass(140_000);
      assert.equal(logIns(), 1);
      refuse('network error');
      await pass(LONG_MILLIS);
      assert.equal(loop.isUnauthorized, false, 'the server may take them now');
    });

    it('tries again if the Realm cannot be opened', async () => {
      engine.openError = new Error('no space left');
      await start();
      assert.match(fixture.events.messages.join(), /no space left/);
      engine.openError = undefined;
      await pass(1000);
      assert.equal(realms.current?.user, engine.user);
    });
  });

  describe('without credentials', () => {
    beforeEach(() => {
      engine.logIn = undefined;
    });

    it('waits until the app has logged in a user', async () => {
      await start();
      assert.equal(loop.isUnauthorized, true);
      assert.equal(await isFirstAttemptOver(), true);
      engine.cachedUser = engine.user;
      await pass(5000);
      assert.equal(realms.current?.user, engine.user);
      assert.equal(loop.isUnauthorized, false);
    });

    it('waits again if the user is logged out', async () => {
      engine.cachedUser = engine.user;
      await start();
      assert.equal(loop.isUnauthorized, false);
      Object.assign(engine.user, { isLoggedIn: false, state: 'LoggedOut' });
      engine.cachedUser = undefined;
      realms.check();
      await turns();
      assert.equal(loop.isUnauthorized, true);
    });
  });

  describe('when the user is gone', () => {
    it('logs in again', async () => {
      await start();
      engine.user.isLoggedIn = false;
      engine.logIn = () => Promise.resolve({ ...engine.user, id: 'another', isLoggedIn: true });
      realms.check();
      await turns();
      assert.equal(realms.current?.user.id, 'another');
    });

    it('uses the cached user of the App, if it has one', async () => {
      await start();
      engine.cachedUser = engine.user;
      realms.current?.realm.close();
      realms.check();
      await turns();
      assert.equal(realms.current?.realm.isClosed, false);
      assert.equal(logIns(), 1);
    });
  });

  describe('while the server is out of reach', () => {
    beforeEach(async () => {
      await start();
      engine.isConnected = false;
    });

    it('renews the log-in after five minutes, because the server may have forgotten the user', async () => {
      await pass(ABSENCE_MILLIS);
      assert.equal(logIns(), 2);
      assert.equal(realms.current?.realm.isClosed, false);
    });

    it('reports a refused renewal, and ends that when the session is connected again', async () => {
      refuse({ message: 'invalid API key', code: 4325 });
      await pass(ABSENCE_MILLIS);
      assert.equal(loop.isUnauthorized, true);
      engine.isConnected = true;
      await pass(ABSENCE_MILLIS);
      assert.equal(loop.isUnauthorized, false);
      assert.equal(logIns(), 2);
    });

    it('does not renew the log-in of an anonymous user, which the server takes back by itself', async () => {
      Object.assign(engine.user, { identities: [{ providerType: 'anon-user' }] });
      await pass(2 * ABSENCE_MILLIS);
      assert.equal(logIns(), 1);
    });
  });

  describe('while it is paused', () => {
    it('opens nothing, not even for a cached user: a Realm dials when it is opened', async () => {
      engine.cachedUser = engine.user;
      loop.pause();
      await start();
      await pass(LONG_MILLIS);
      assert.deepEqual(engine.calls, []);
      loop.resume();
      await turns();
      assert.deepEqual(engine.calls.slice(0, 2), ['open', 'listen']);
    });

    it('opens nothing either if a log-in ends meanwhile', async () => {
      let answer: (user: NativeUser) => void = () => undefined;
      engine.logIn = () =>
        new Promise((resolve) => {
          answer = resolve;
        });
      await start();
      loop.pause();
      answer(engine.user);
      await turns();
      assert.deepEqual(engine.calls, ['log in']);
      engine.logIn = () => Promise.resolve(engine.user);
      loop.resume();
      await turns();
      assert.deepEqual(engine.calls, ['log in', 'log in', 'open', 'listen']);
    });
  });

  it('does not wait for a log-in that is under way when it is closed, and opens nothing after it', async () => {
    let answer: (user: NativeUser) => void = () => undefined;
    engine.logIn = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    await start();
    await loop.close();
    answer(engine.user);
    await turns();
    assert.deepEqual(engine.calls, ['log in']);
  });
});
