import assert from 'node:assert/strict';
import sinon from 'sinon';
import type { NativeSyncError } from '../../src/realm/realm-types.js';
import { ABSENCE_MILLIS, SyncedRealm } from '../../src/sync/synced-realm.js';
import type { ConnectionContext } from '../../src/sync/connection-context.js';
import { scriptedUser, type EngineBoundary, type ScriptedRealm } from '../support/engine-boundary.js';
import { SlotFixture, turns } from '../support/slot-fixture.js';

describe('SyncedRealm', () => {
  let fixture: SlotFixture;
  let engine: EngineBoundary;
  let path: string;
  let states: string[];
  let failures: NativeSyncError[];
  let acknowledged: number[];

  beforeEach(() => {
    prepare();
    states = [];
    failures = [];
    acknowledged = [];
  });

  afterEach(() => {
    sinon.restore();
    fixture.remove();
  });

  function prepare(settings?: Partial<ConnectionContext>): void {
    fixture = new SlotFixture(settings);
    engine = fixture.engine;
    path = fixture.slot.path('user-ann.realm');
  }

  function open(isDurable = true, user = scriptedUser('ann')): SyncedRealm {
    const realms = {
      connectionChanged: (_synced: SyncedRealm, state: string) => states.push(state),
      syncFailed: (_synced: SyncedRealm, error: NativeSyncError) => failures.push(error),
    };
    const listener = { acknowledged: (records: number) => acknowledged.push(records) };
    return new SyncedRealm(user, path, fixture.slot, isDurable, fixture.context, realms, listener);
  }

  const scripted = (): ScriptedRealm => engine.synced[0]!;

  it('reports acknowledgements, and the state and the errors of its session', async () => {
    const synced = open();
    synced.acknowledgements.add(2, 20);
    scripted().acknowledge();
    await turns();
    assert.deepEqual(acknowledged, [2]);
    engine.notify('connected', 'connecting');
    assert.deepEqual(states, ['connected']);
    scripted().fail({ message: 'bad changeset' });
    assert.deepEqual(
      failures.map(({ message }) => message),
      ['bad changeset'],
    );
  });

  it('waits again for acknowledgements when its session changes', async () => {
    const synced = open();
    const { syncSession } = scripted();
    const upload = sinon.stub(syncSession, 'uploadAllLocalChanges').rejects(new Error('cancelled'));
    synced.acknowledgements.add(1, 10);
    await turns();
    upload.resolves();
    engine.notify('connected', 'connecting');
    await turns();
    assert.deepEqual(acknowledged, [1]);
  });

  it('counts in the budget while it is open', () => {
    const { budget } = fixture.context;
    const synced = open(false);
    synced.acknowledgements.add(2, 1000);
    assert.equal(budget.takenBytes, 1000);
    synced.close();
    assert.equal(budget.takenBytes, 0);
  });

  it('learns from the question whether to compact how much of its file is in use', () => {
    fixture.remove();
    prepare({ shouldCompact: () => false });
    const { Realm } = fixture.context;
    const asking = new Proxy(Realm, {
      construct(target, [config]: ConstructorParameters<typeof Realm>) {
        assert.equal(config.shouldCompact?.(8000, 3000), false);
        return new target(config);
      },
    });
    Object.assign(fixture.context, { Realm: asking });
    assert.equal(open().usedBytes, 3000);
  });

  describe('needsNewLogIn', () => {
    let clock: sinon.SinonFakeTimers;

    beforeEach(() => {
      clock = sinon.useFakeTimers({ toFake: ['performance'] });
    });

    it('is true after five minutes without the server, until the session is connected', () => {
      const synced = open();
      clock.tick(ABSENCE_MILLIS - 1);
      assert.equal(synced.needsNewLogIn, false);
      clock.tick(1);
      assert.equal(synced.needsNewLogIn, true);
      engine.isConnected = true;
      assert.equal(synced.needsNewLogIn, false);
      engine.isConnected = false;
      assert.equal(synced.needsNewLogIn, false);
    });

    it('is never true for an anonymous user', () => {
      const synced = open(true, {
        ...scriptedUser('ann'),
        identities: [{ providerType: 'anon-user' }],
      } as never);
      clock.tick(2 * ABSENCE_MILLIS);
      assert.equal(synced.needsNewLogIn, false);
    });
  });

  describe('close()', () => {
    it('pauses the session first, so that it ends soon, and hears nothing more', () => {
      const synced = open();
      synced.close();
      assert.deepEqual(engine.calls, ['open', 'listen', 'pause', 'close']);
      engine.notify('disconnected', 'connected');
      assert.deepEqual(states, []);
    });

    it('does not pause the session of an engine without files', () => {
      open(false).close();
      assert.deepEqual(engine.calls, ['open', 'listen', 'close']);
    });

    it('does not throw, nor does anything else, if the session is gone', () => {
      const synced = open();
      const gone = new Error('This SyncSession is no longer valid');
      for (const name of ['isConnected', 'pause', 'resume', 'removeConnectionNotification'] as const) {
        sinon.stub(scripted().syncSession, name).throws(gone);
      }
      sinon.stub(scripted(), 'close').throws(gone);
      synced.pause();
      synced.resume();
      assert.equal(synced.isConnected, false);
      synced.close();
    });
  });

  it('deletes its file, or leaves it if Realm does not let it', () => {
    const synced = open();
    synced.close();
    synced.deleteFile();
    assert.equal(engine.calls.at(-1), 'delete');
    sinon.stub(fixture.context.Realm, 'deleteFile').throws(new Error('open'));
    synced.deleteFile();
  });
});
