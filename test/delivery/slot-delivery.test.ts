import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ObjectId } from 'bson';
import sinon, { type SinonFakeTimers } from 'sinon';
import { SlotDelivery, type SlotOwner } from '../../src/delivery/slot-delivery.js';
import { DeviceBudget } from '../../src/disk/device-budget.js';
import { SlotInUseError } from '../../src/disk/slot-in-use-error.js';
import { HEARTBEAT_MILLIS } from '../../src/disk/slot-lock.js';
import { Spool } from '../../src/disk/spool.js';
import type { Destination, WritableRecord } from '../../src/realm/destination.js';
import type { ConnectionContext } from '../../src/sync/connection-context.js';
import type { UserSource } from '../../src/sync/user-source.js';
import { settledWithin } from '../../src/time/bounded-wait.js';
import { writeRealmLock, type EngineBoundary } from '../support/engine-boundary.js';
import { SlotFixture, turns } from '../support/slot-fixture.js';

describe('SlotDelivery', () => {
  let fixture: SlotFixture;
  let engine: EngineBoundary;
  let clock: SinonFakeTimers;
  let delivery: SlotDelivery | undefined;
  let owner: SlotOwner & { readonly calls: string[] };

  beforeEach(() => {
    clock = sinon.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
    });
    const calls: string[] = [];
    owner = {
      calls,
      realmOpened: () => calls.push('opened'),
      slotLost: () => calls.push('lost'),
      changed: () => undefined,
    };
    prepare();
  });

  afterEach(async () => {
    leaveFiles();
    const closing = delivery?.close();
    await turns();
    await clock.tickAsync(2000);
    await closing;
    delivery = undefined;
    sinon.restore();
    fixture.remove();
  });

  function prepare(settings?: Partial<ConnectionContext>): void {
    fixture = new SlotFixture(settings);
    engine = fixture.engine;
  }

  function open(): SlotDelivery {
    delivery = new SlotDelivery(fixture.slot, fixture.context, owner);
    return delivery;
  }

  async function openConnected(): Promise<SlotDelivery> {
    engine.isConnected = true;
    const opened = open();
    await turns();
    return opened;
  }

  const record = (name: string): WritableRecord => ({
    kind: 'span',
    className: 'Span',
    values: { _id: new ObjectId(), name },
    sizeBytes: 50,
  });

  /** Stores records as a writer does. */
  function write(to: SlotDelivery, names: readonly string[], avoided?: Destination): void {
    const picked = to.pick(50, avoided);
    assert.ok(picked);
    const { stored, storedBytes } = picked.destination.storeSlice(names.map(record), 0, names.length);
    to.stored(picked.destination, stored, storedBytes);
  }

  const namesIn = (index = 0) => [...(engine.synced[index]?.objects('Span') ?? [])].map(({ name }) => name);
  const leaveFiles = () => {
    writeRealmLock(fixture.slot.path('user-user.realm'), { participants: 1, hasSyncAgent: false });
  };

  describe('a record', () => {
    it('goes into the spool while no Realm is open, and moves when one is', async () => {
      const opened = open();
      write(opened, ['a', 'b']);
      assert.deepEqual([opened.spooled, opened.unsynced], [2, 0]);
      await turns(10);
      assert.deepEqual(namesIn(), ['a', 'b']);
      assert.deepEqual([opened.spooled, opened.unsynced, opened.isSettled], [0, 2, false]);
    });

    it('goes into the synced Realm once that is open, and counts until it is acknowledged', async () => {
      const opened = await openConnected();
      assert.deepEqual(owner.calls, ['opened']);
      write(opened, ['a']);
      assert.deepEqual([namesIn(), opened.unsynced, opened.isSettled], [['a'], 1, false]);
      const settled = opened.settled();
      engine.synced[0]?.acknowledge();
      await settled;
      assert.deepEqual([opened.unsynced, fixture.events.acknowledgedRecords], [0, 1]);
    });

    it('goes into the spool if the synced Realm takes no records, and moves when it takes another', async () => {
      const opened = await openConnected();
      const synced = opened.pick(50, undefined)?.destination;
      sinon.stub(engine.synced[0]!, 'write').throws(new Error('the clock is before 2015'));
      write(opened, ['a'], synced);
      assert.equal(opened.spooled, 1);
      await turns();
      assert.match(fixture.events.messages.join(), /the spool cannot be moved now: the clock is before 2015/);
      sinon.restore();
    });

    it('has a mark in the slot before it is stored, which goes at a heartbeat once all is acknowledged', async () => {
      const opened = open();
      assert.equal(fixture.slot.readUnsent(), undefined);
      opened.pick(50, undefined);
      assert.equal(fixture.slot.readUnsent(), 0);
      write(opened, ['a', 'b']);
      clock.tick(HEARTBEAT_MILLIS);
      assert.equal(fixture.slot.readUnsent(), 2);
      await turns(10);
      engine.synced[0]?.acknowledge();
      await turns();
      clock.tick(HEARTBEAT_MILLIS);
      assert.equal(fixture.slot.readUnsent(), undefined);
    });

    it('is refused if the device is full', () => {
      fixture.remove();
      prepare({ budget: new DeviceBudget({ maxBytes: 1000, files: { sizeBytes: () => 1000 } }) });
      const opened = open();
      assert.throws(() => opened.pick(5000, undefined), { code: 'device-full' });
    });
  });

  it('takes over what the mark of an earlier process counts and the spool does not hold', async () => {
    fixture.slot.markUnsent(5);
    const opened = await openConnected();
    assert.deepEqual([opened.unsynced, opened.isSettled], [5, false]);
    engine.synced[0]?.acknowledge();
    await turns();
    assert.deepEqual([opened.unsynced, opened.isSettled], [0, true]);
  });

  it('moves only as much as may be unacknowledged at a time', async () => {
    fixture.remove();
    prepare({ budget: new DeviceBudget({ maxBytes: 4000, files: { sizeBytes: () => undefined } }) });
    const opened = open();
    for (let count = 0; count < 30; count += 10)
      write(
        opened,
        Array.from({ length: 10 }, (_, i) => `r${i}`),
      );
    await turns(20);
    const { length } = namesIn();
    assert.ok(length > 0 && opened.spooled > 0, `${length} moved, ${opened.spooled} not`);
    engine.synced[0]?.acknowledge();
    await turns(20);
    assert.ok(namesIn().length > length);
  });

  it('tells its owner that another process has taken the slot, and writes no heartbeat to it', () => {
    open();
    sinon.stub(fixture.slot, 'isHeld').returns(false);
    const beat = sinon.spy(fixture.slot, 'beat');
    clock.tick(3 * HEARTBEAT_MILLIS);
    assert.deepEqual([owner.calls, beat.callCount], [['lost'], 0]);
  });

  it('logs in again when its user is gone', async () => {
    const opened = await openConnected();
    engine.user.isLoggedIn = false;
    engine.logIn = () => Promise.reject(new Error('network error'));
    assert.ok(opened.pick(50, undefined)?.destination instanceof Spool);
    await turns();
    assert.equal(engine.calls.filter((call) => call === 'log in').length, 2);
  });

  describe('without a user', () => {
    it('is unauthorized if only the app can log in', async () => {
      engine.logIn = undefined;
      const opened = open();
      await turns();
      assert.deepEqual([opened.isUnauthorized, opened.isConnected], [true, false]);
      assert.equal(await settledWithin(opened.firstAttempt(), 0), true);
    });
  });

  describe('pause()', () => {
    it('keeps the session off the network until resume()', async () => {
      const opened = await openConnected();
      opened.pause();
      opened.resume();
      assert.deepEqual(engine.calls.slice(-2), ['pause', 'resume']);
    });

    it('opens no Realm until resume()', async () => {
      const opened = open();
      opened.pause();
      await turns();
      assert.deepEqual(engine.calls, []);
      opened.resume();
      await turns();
      assert.deepEqual(owner.calls, ['opened']);
    });
  });

  describe('close()', () => {
    it('keeps the slot until the sync session has left the files, though the Realm is closed', async () => {
      const closing = (await openConnected()).close();
      await turns();
      assert.deepEqual(engine.calls.slice(-2), ['pause', 'close']);
      await clock.tickAsync(100);
      assert.equal(fixture.store.acquire().number, 1, 'the slot is still held');
      leaveFiles();
      await clock.tickAsync(1000);
      await closing;
      assert.equal(fixture.store.acquire().number, 0);
    });

    it('does not delay the shutdown for a session that stays, and releases the slot when that leaves', async () => {
      const closing = (await openConnected()).close();
      await turns();
      await clock.tickAsync(2000);
      await closing;
      assert.equal(fixture.store.acquire().number, 1);
      leaveFiles();
      await clock.tickAsync(1000);
      assert.equal(fixture.store.acquire(new Set([1, 2])).number, 0);
    });

    it('releases the slot although a lock file could not be read, and reports it', async () => {
      const opened = await openConnected();
      leaveFiles();
      sinon.stub(fixture.slot, 'readRealmLock').onFirstCall().throws(new Error('EMFILE')).callThrough();
      const closing = opened.close();
      await turns();
      await clock.tickAsync(1000);
      await closing;
      assert.equal(fixture.store.acquire().number, 0);
      assert.match(fixture.events.messages.join(), /slot 0 cannot be released yet: EMFILE/);
    });

    it('leaves the mark and the counts of what remains, and lets nobody wait', async () => {
      const opened = await openConnected();
      write(opened, ['a']);
      const settled = opened.settled();
      leaveFiles();
      const closing = opened.close();
      await turns();
      await settled;
      await closing;
      assert.deepEqual([opened.unsynced, opened.isSettled], [1, false]);
      assert.equal(fixture.slot.readUnsent(), 1);
    });
  });

  describe('a spool', () => {
    it('that cannot be checked is closed before the slot is released', () => {
      const close = sinon.spy(Spool.prototype, 'close');
      sinon.stub(fixture.slot, 'readRealmLock').throws(new Error('EMFILE'));
      assert.throws(() => open(), /EMFILE/);
      assert.equal(close.callCount, 1);
      assert.equal(fixture.store.acquire().number, 0);
    });

    it('that another process has open stays alone, whatever the lock on the slot says', () => {
      sinon.stub(fixture.slot, 'readRealmLock').returns({ participants: 2, hasSyncAgent: false });
      assert.throws(
        () => open(),
        (error) =>
          error instanceof SlotInUseError && error.message.includes('slot 0 is skipped: another process'),
      );
      assert.deepEqual(engine.calls, []);
      assert.equal(fixture.slot.isHeld(), false);
      const names = readdirSync(join(fixture.slot.directory ?? '', '..'));
      assert.deepEqual(
        names.filter((name) => name.startsWith('lock-')),
        [],
        'as if it had never been taken',
      );
    });
  });

  it('reports that no App can be made, and tries again', async () => {
    fixture.remove();
    let error: Error | undefined = new Error('metadata cannot be read');
    prepare({
      openSource: (): UserSource => {
        if (error !== undefined) throw error;
        return engine.source;
      },
    });
    open();
    await turns();
    assert.match(fixture.events.messages.join(), /metadata cannot be read/);
    error = undefined;
    await clock.tickAsync(1000);
    await turns();
    assert.deepEqual(owner.calls, ['opened']);
  });
});
