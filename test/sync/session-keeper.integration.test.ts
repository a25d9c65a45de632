import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import { settledWithin } from '../../src/time/bounded-wait.js';
import { nodeFiles } from '../../src/platform/node/files.js';
import type { NativeUser } from '../../src/realm/realm-types.js';
import { SessionKeeper } from '../../src/sync/session-keeper.js';
import { DeviceBudget } from '../../src/disk/device-budget.js';
import { FileSlotStore, type Slot } from '../../src/disk/slot.js';
import { EngineBoundary, writeRealmLock } from '../support/engine-boundary.js';

const turns = async () => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe('session keeper', () => {
  let directory: string;
  let slot: Slot;
  let engine: EngineBoundary;
  let keeper: SessionKeeper;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'keeper-'));
    slot = new FileSlotStore(nodeFiles, { directory, serviceName: 'shop', appId: 'app' }).acquire();
    engine = new EngineBoundary();
    keeper = new SessionKeeper({
      Realm: engine.Realm,
      slot,
      openSource: () => engine.source,
      schema: [],
      encryptionKey: undefined,
      isDurable: true,
      budget: new DeviceBudget({ maxBytes: 2 ** 30, measure: () => undefined }),
      shouldCompact: undefined,
      onOpen: () => undefined,
      onChange: () => undefined,
      onAcknowledged: () => undefined,
      onLost: () => undefined,
      onError: () => undefined,
    });
  });

  afterEach(async () => {
    await keeper.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('logs in, opens the Realm of the user, and listens for its server', async () => {
    keeper.start(undefined);
    await eventually('a Realm', () => keeper.synced);
    assert.deepEqual(engine.calls, ['log in', 'open', 'listen']);
    assert.equal(keeper.synced?.path, slot.path('user-user.realm'));
  });

  it('knows that the first attempt is over where the session was connected before anybody listened', async () => {
    engine.isConnected = true;
    keeper.start(undefined);
    assert.equal(await settledWithin(keeper.firstAttempt(), 1000), true);
    assert.ok(keeper.synced?.isConnected);
  });

  it('waits for word of the server where the session is still connecting', async () => {
    keeper.start(undefined);
    await eventually('a Realm', () => keeper.synced);
    assert.equal(await settledWithin(keeper.firstAttempt(), 0), false);
    engine.notify('connecting', 'disconnected');
    assert.equal(await settledWithin(keeper.firstAttempt(), 0), false);
    engine.notify('disconnected', 'connecting');
    assert.equal(await settledWithin(keeper.firstAttempt(), 0), true);
  });

  describe('that is paused', () => {
    it('opens nothing, for a Realm dials when it is opened, not even with a user of the last run', async () => {
      engine.cachedUser = engine.user;
      keeper.start(undefined);
      keeper.pause();
      await turns();
      assert.deepEqual(engine.calls, []);
      assert.equal(await settledWithin(keeper.firstAttempt(), 0), true);
      keeper.resume();
      await eventually('a Realm', () => keeper.synced);
      assert.deepEqual(engine.calls.slice(0, 2), ['open', 'listen']);
    });

    it('opens nothing either when a log-in ends meanwhile', async () => {
      let answer: (user: NativeUser) => void = () => undefined;
      engine.logIn = () =>
        new Promise((resolve) => {
          answer = resolve;
        });
      keeper.start(undefined);
      await eventually('a log-in', () => engine.calls.length === 1);
      keeper.pause();
      answer(engine.user);
      await turns();
      assert.deepEqual(engine.calls, ['log in']);
      engine.logIn = () => Promise.resolve(engine.user);
      keeper.resume();
      await eventually('a Realm', () => keeper.synced);
      assert.deepEqual(engine.calls, ['log in', 'log in', 'open', 'listen']);
    });
  });

  describe('that is closed', () => {
    it('pauses the session before it closes the Realm, and says how long its file is in use', async () => {
      keeper.start(undefined);
      const synced = await eventually('a Realm', () => keeper.synced);
      assert.equal(keeper.hasFilesInUse, true);
      await keeper.close();
      assert.deepEqual(engine.calls.slice(-2), ['pause', 'close']);
      assert.equal(keeper.hasFilesInUse, true, 'the session has the file for a moment more');
      writeRealmLock(synced?.path ?? '', { participants: 1, hasSyncAgent: false });
      assert.equal(keeper.hasFilesInUse, false);
    });

    it('does not take what a killed process left in a lock file for its own', () => {
      writeRealmLock(slot.path('user-another.realm'), { participants: 1, hasSyncAgent: true });
      assert.equal(keeper.hasFilesInUse, false);
    });
  });
});
