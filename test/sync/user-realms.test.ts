import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import sinon from 'sinon';
import type { SyncOwner } from '../../src/sync/sync-owner.js';
import { UserRealms } from '../../src/sync/user-realms.js';
import { settledWithin } from '../../src/time/bounded-wait.js';
import { scriptedUser, writeRealmLock, type EngineBoundary } from '../support/engine-boundary.js';
import { SlotFixture, turns } from '../support/slot-fixture.js';

describe('UserRealms', () => {
  let fixture: SlotFixture;
  let engine: EngineBoundary;
  let owner: SyncOwner & { readonly calls: string[] };
  let realms: UserRealms;
  let changes: number;
  const ann = scriptedUser('ann');
  const bob = scriptedUser('bob');

  beforeEach(() => {
    fixture = new SlotFixture();
    engine = fixture.engine;
    Object.assign(ann, scriptedUser('ann'));
    const calls: string[] = [];
    changes = 0;
    owner = {
      calls,
      opened: ({ user }) => calls.push(`opened ${user.id}`),
      acknowledged: (records) => calls.push(`acknowledged ${records}`),
      userGone: () => calls.push('user gone'),
      changed: () => (changes += 1),
    };
    realms = create();
  });

  afterEach(() => {
    realms.close();
    sinon.restore();
    fixture.remove();
  });

  function create(isDurable = true, inherited?: number): UserRealms {
    return new UserRealms(fixture.slot, isDurable, inherited, fixture.context, owner);
  }

  const app = () => engine.source.app;
  const pathOf = (id: string): string => fixture.slot.path(`user-${id}.realm`);
  const states = () => [realms.current?.user.id, realms.unsynced, realms.isSettled];

  describe('the current Realm', () => {
    it('is that of the user', () => {
      realms.use(ann, undefined);
      assert.equal(realms.current?.path, pathOf('ann'));
      assert.deepEqual(owner.calls, ['opened ann']);
      assert.deepEqual(engine.calls, ['open', 'listen']);
    });

    it('stays open when the same user logs in again', () => {
      realms.use(ann, undefined);
      realms.use(ann, undefined);
      assert.equal(engine.synced.length, 1);
    });

    it('stays open when another anonymous user takes the place of the first', () => {
      const anonymous = (id: string) => ({
        ...scriptedUser(id),
        identities: [{ providerType: 'anon-user' }],
      });
      realms.use(anonymous('one'), undefined);
      realms.use(anonymous('two'), undefined);
      assert.equal(realms.current?.user.id, 'one');
    });

    it('takes over what an earlier process left unacknowledged', async () => {
      realms = create(true, 7);
      assert.deepEqual(states(), [undefined, 7, false]);
      realms.use(ann, undefined);
      assert.deepEqual(states(), ['ann', 7, false]);
      engine.synced[0]?.acknowledge();
      await turns();
      assert.deepEqual(states(), ['ann', 0, true]);
      assert.deepEqual(owner.calls, ['opened ann', 'acknowledged 7']);
    });

    it('cannot be opened: the error says why', () => {
      engine.openError = new Error('wrong key');
      assert.throws(
        () => {
          realms.use(ann, undefined);
        },
        { code: 'open-failed', message: /wrong key/ },
      );
      assert.equal(realms.current, undefined);
    });

    it('is opened again if the app closes it, with what is in it', () => {
      realms.use(ann, undefined);
      realms.current?.acknowledgements.add(3, 30);
      realms.current?.realm.close();
      realms.check();
      assert.deepEqual(states(), [undefined, 3, false]);
      assert.deepEqual(owner.calls, ['opened ann', 'user gone']);
      assert.match(fixture.events.messages.join(), /the app has closed the synced Realm/);
      realms.use(ann, undefined);
      assert.deepEqual(states(), ['ann', 3, false]);
    });
  });

  describe('a user that is gone', () => {
    beforeEach(() => {
      realms.use(ann, undefined);
      realms.current?.acknowledgements.add(3, 30);
      ann.isLoggedIn = false;
    });

    it('and logged out leaves its records until it logs in again', async () => {
      ann.state = 'LoggedOut';
      realms.check();
      assert.deepEqual(states(), [undefined, 3, false]);
      assert.match(fixture.events.messages.join(), /ann was logged out; 3 of its records wait/);
      assert.ok(!engine.calls.includes('delete'));
      realms.use(bob, undefined);
      assert.deepEqual(states(), ['bob', 3, false]);
      ann.isLoggedIn = true;
      realms.use(ann, undefined);
      assert.equal(realms.unsynced, 3);
      engine.synced.at(-1)?.acknowledge();
      await turns();
      assert.deepEqual(states(), ['ann', 0, true]);
    });

    it('and removed loses its records, counted', () => {
      ann.state = 'removed';
      realms.check();
      assert.deepEqual(states(), [undefined, 0, true]);
      assert.deepEqual(fixture.events.drops, [['user-removed', 3]]);
      assert.equal(engine.calls.at(-1), 'delete');
      assert.equal(owner.calls.at(-1), 'user gone');
    });

    it('loses them as well if files do not outlive the process', () => {
      realms.close();
      realms = create(false);
      ann.isLoggedIn = true;
      realms.use(ann, undefined);
      realms.current?.acknowledgements.add(2, 20);
      Object.assign(ann, { isLoggedIn: false, state: 'LoggedOut' });
      realms.check();
      assert.deepEqual(fixture.events.drops, [['user-removed', 2]]);
    });

    it('is noticed when its sync session fails', async () => {
      ann.state = 'LoggedOut';
      engine.synced[0]?.fail({ message: 'invalid token' });
      await turns();
      assert.deepEqual(states(), [undefined, 3, false]);
    });
  });

  describe('an earlier user', () => {
    beforeEach(() => {
      realms.use(ann, app());
      realms.current?.acknowledgements.add(3, 30);
      realms.use(bob, app());
    });

    it('keeps its Realm open until everything is acknowledged; then the file is deleted', async () => {
      assert.deepEqual(states(), ['bob', 3, false]);
      await turns();
      assert.ok(!engine.calls.includes('close'));
      engine.synced[0]?.acknowledge();
      await turns();
      assert.deepEqual(states(), ['bob', 0, true]);
      assert.deepEqual(engine.calls.slice(-3), ['pause', 'close', 'delete']);
      assert.ok(owner.calls.includes('acknowledged 3'));
    });

    it('whose Realm is open gets it back when it logs in again', async () => {
      realms.use(ann, app());
      assert.deepEqual(states(), ['ann', 3, false]);
      engine.synced[0]?.acknowledge();
      await turns();
      assert.equal(realms.current?.realm.isClosed, false);
      assert.equal(realms.unsynced, 0);
    });

    it('that was removed meanwhile gets a new Realm, and loses its old records, counted', () => {
      ann.isLoggedIn = false;
      ann.state = 'removed';
      realms.use(scriptedUser('ann'), undefined);
      assert.equal(engine.synced.length, 3);
      assert.deepEqual(fixture.events.drops, [['user-removed', 3]]);
      assert.equal(owner.calls.at(-1), 'opened ann');
    });

    it('whose Realm the app has closed gets it opened again, with its records', () => {
      engine.synced[0]!.isClosed = true;
      realms.use(ann, undefined);
      assert.equal(engine.synced.length, 3);
      assert.deepEqual(fixture.events.drops, []);
      assert.equal(realms.current?.acknowledgements.pending, 3);
    });

    it('whose file is reset no longer holds up a flush', async () => {
      const before = changes;
      engine.synced[0]?.fail({ name: 'ClientReset' });
      await turns();
      assert.deepEqual(states(), ['bob', 0, true]);
      assert.equal(changes, before + 1);
    });

    it('goes off the network and comes back with the current one', () => {
      engine.calls.length = 0;
      realms.pause();
      realms.resume();
      assert.deepEqual(engine.calls, ['pause', 'pause', 'resume', 'resume']);
    });
  });

  describe('files of earlier users, from another process', () => {
    beforeEach(() => {
      writeFileSync(pathOf('bob'), '');
      engine.allUsers = [ann, bob];
    });

    it('are opened, sent and deleted while the user is still logged in', async () => {
      realms.use(ann, app());
      assert.deepEqual(
        engine.synced.map(({ path }) => path),
        [pathOf('ann'), pathOf('bob')],
      );
      assert.deepEqual(states(), ['ann', 0, false]);
      engine.synced[1]?.acknowledge();
      await turns();
      assert.deepEqual(states(), ['ann', 0, true]);
      assert.equal(engine.calls.at(-1), 'delete');
    });

    for (const [what, prepare] of [
      ['of a user that is logged out', () => (engine.allUsers = [ann, { ...bob, isLoggedIn: false }])],
      ['that is not there', () => (engine.allUsers = [ann, scriptedUser('carol')])],
    ] as const) {
      it(`are not opened: one ${what}`, () => {
        prepare();
        realms.use(ann, app());
        assert.equal(engine.synced.length, 1);
      });
    }

    it('are skipped if they cannot be opened, which is reported', () => {
      const open = sinon.stub(fixture.context, 'Realm').value(
        new Proxy(engine.Realm, {
          construct: (target, [config]: [{ path: string; sync: never }]) => {
            if (config.path === pathOf('bob')) throw new Error('damaged');
            return new target(config);
          },
        }),
      );
      realms.use(ann, app());
      assert.deepEqual(states(), ['ann', 0, true]);
      assert.match(fixture.events.messages.join(), /damaged/);
      open.restore();
    });
  });

  describe('an error of a sync session', () => {
    let clock: sinon.SinonFakeTimers;

    beforeEach(() => {
      clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      realms.use(ann, undefined);
      realms.current?.acknowledgements.add(3, 30);
      engine.calls.length = 0;
    });

    it('revives the session after a back-off', async () => {
      engine.synced[0]?.fail({ message: 'bad changeset', code: 212 });
      await turns();
      assert.match(fixture.events.messages.join(), /bad changeset \(212\)/);
      assert.deepEqual(engine.calls, []);
      await clock.tickAsync(1000);
      assert.deepEqual(engine.calls, ['resume']);
    });

    it('does not revive a session while it is paused', async () => {
      engine.synced[0]?.fail({});
      await turns();
      realms.pause();
      await clock.tickAsync(1000);
      assert.deepEqual(engine.calls, ['pause']);
    });

    it('that is not fatal is reported only', async () => {
      engine.synced[0]?.fail({ isFatal: false });
      await turns();
      await clock.tickAsync(1000);
      assert.deepEqual(engine.calls, []);
      assert.equal(fixture.events.errors.length, 1);
    });

    it('that asks for a client reset begins a new file, and counts the lost records', async () => {
      engine.synced[0]?.fail({ name: 'ClientReset' });
      await turns();
      assert.deepEqual(fixture.events.drops, [['client-reset', 3]]);
      assert.deepEqual(engine.calls, ['pause', 'close', 'delete']);
      assert.deepEqual(states(), [undefined, 0, true]);
      assert.equal(owner.calls.at(-1), 'user gone');
    });

    it('that asks for a client reset lets Realm keep a copy of the file', async () => {
      const initiateClientReset = sinon.spy();
      Object.assign(fixture.context.Realm.App, { Sync: { initiateClientReset } });
      realms.close();
      realms = create();
      realms.use(ann, app());
      engine.synced[1]?.fail({ name: 'ClientReset' });
      await turns();
      assert.equal(initiateClientReset.callCount, 1);
      assert.ok(!engine.calls.includes('delete'));
    });

    it('that comes after close() does nothing', async () => {
      engine.synced[0]?.fail({});
      realms.close();
      await turns();
      assert.deepEqual(fixture.events.messages, []);
    });
  });

  describe('the first attempt', () => {
    const isOver = () => settledWithin(realms.firstAttempt(), 0);

    it('is over if the session was connected before anybody listened', async () => {
      engine.isConnected = true;
      realms.use(ann, undefined);
      assert.equal(await isOver(), true);
    });

    it('is over when a session has stopped connecting', async () => {
      realms.use(ann, undefined);
      engine.notify('connecting', 'disconnected');
      assert.equal(await isOver(), false);
      engine.notify('disconnected', 'connecting');
      assert.equal(await isOver(), true);
    });
  });

  describe('close()', () => {
    it('pauses the session before it closes the Realm, and says how long its file is in use', () => {
      realms.use(ann, undefined);
      assert.equal(realms.hasFilesInUse, true);
      realms.close();
      assert.deepEqual(engine.calls.slice(-2), ['pause', 'close']);
      assert.equal(realms.hasFilesInUse, true, 'the session uses the file for a moment more');
      writeRealmLock(pathOf('ann'), { participants: 1, hasSyncAgent: false });
      assert.equal(realms.hasFilesInUse, false);
    });

    it('ignores what a killed process left in a lock file', () => {
      writeRealmLock(pathOf('carol'), { participants: 1, hasSyncAgent: true });
      assert.equal(realms.hasFilesInUse, false);
    });

    describe('without files', () => {
      beforeEach(() => {
        realms = create(false);
        realms.use(ann, undefined);
        engine.calls.length = 0;
      });

      it('does not pause the session, which uploads what is left', () => {
        realms.current?.acknowledgements.add(3, 30);
        realms.close();
        assert.deepEqual(engine.calls, ['close']);
      });

      it('does not close a paused Realm with records, which would be erased', () => {
        realms.current?.acknowledgements.add(3, 30);
        realms.pause();
        realms.close();
        assert.deepEqual(engine.calls, ['pause']);
      });
    });
  });
});
