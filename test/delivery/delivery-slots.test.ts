import assert from 'node:assert/strict';
import { diag, DiagLogLevel } from '@opentelemetry/api';
import sinon, { type SinonFakeTimers } from 'sinon';
import { DeliverySlots } from '../../src/delivery/delivery-slots.js';
import { StatusBoard } from '../../src/delivery/status-board.js';
import { HEARTBEAT_MILLIS } from '../../src/disk/slot-lock.js';
import type { Destination } from '../../src/realm/destination.js';
import { writeRealmLock, type EngineBoundary } from '../support/engine-boundary.js';
import { SlotFixture, turns } from '../support/slot-fixture.js';

describe('DeliverySlots', () => {
  let fixture: SlotFixture;
  let engine: EngineBoundary;
  let board: StatusBoard;
  let slots: DeliverySlots;
  let clock: SinonFakeTimers;
  let logged: string[];

  beforeEach(() => {
    clock = sinon.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
    });
    logged = [];
    const log = (message: string): void => void logged.push(message);
    const logger = { error: log, warn: log, info: log, debug: log, verbose: log };
    diag.setLogger(logger, { logLevel: DiagLogLevel.INFO, suppressOverrideMessage: true });
    board = new StatusBoard();
    fixture = new SlotFixture({ events: board });
    engine = fixture.engine;
    fixture.slot.release();
    slots = new DeliverySlots(fixture.store, fixture.context, board);
  });

  afterEach(async () => {
    const closing = slots.close();
    await turns();
    writeRealmLock(fixture.slot.path('user-user.realm'), { participants: 0, hasSyncAgent: false });
    await clock.tickAsync(2000);
    await closing;
    diag.disable();
    sinon.restore();
    fixture.remove();
  });

  async function openConnected(): Promise<void> {
    engine.isConnected = true;
    slots.open();
    await turns();
  }

  it('shows in the status what its slot is doing', async () => {
    assert.equal(board.status.state, 'connecting');
    await openConnected();
    assert.deepEqual([board.status.state, board.status.durable], ['connected', true]);
    slots.pause();
    assert.equal(board.status.state, 'paused');
    slots.resume();
    assert.equal(board.status.state, 'connected');
    assert.equal(await slots.realm.promise, engine.synced[0]);
  });

  it('counts acknowledged records', async () => {
    await openConnected();
    const { destination } = slots.pick(50, undefined)!;
    slots.stored(destination, 3, 150);
    assert.equal(board.status.unsynced, 3);
    engine.synced[0]?.acknowledge();
    await turns();
    const { unsynced, acknowledged, lastAcknowledgedAt } = board.status;
    assert.deepEqual([unsynced, acknowledged], [0, 3]);
    assert.ok(lastAcknowledgedAt instanceof Date);
  });

  it('says why no record can be stored while no slot can be opened, and opens one later', async () => {
    assert.throws(() => slots.pick(50, undefined), { code: 'open-failed', message: /no slot is open/ });
    const acquire = sinon.stub(fixture.store, 'acquire').throws(new Error('no such disk'));
    slots.open();
    assert.throws(() => slots.pick(50, undefined), /no such disk/);
    assert.equal(slots.isSettled, false);
    acquire.restore();
    await clock.tickAsync(1000);
    assert.equal(slots.pick(50, undefined)?.destination.isBusy, false);
    assert.equal(board.status.lastError?.message.includes('no such disk'), true);
  });

  it('skips a slot that another process has open', () => {
    const acquire = fixture.store.acquire.bind(fixture.store);
    sinon.stub(fixture.store, 'acquire').callsFake((except) => {
      const slot = acquire(except);
      if (slot.number === 0) slot.readRealmLock = () => ({ participants: 2, hasSyncAgent: true });
      return slot;
    });
    slots.open();
    assert.equal(slots.own?.slotNumber, 1);
    assert.match(board.status.lastError?.message ?? '', /slot 0 is skipped/);
  });

  it('takes another slot if another process takes its own over', async () => {
    await openConnected();
    const own = slots.own!;
    slots.slotLost(own);
    assert.equal(slots.own?.slotNumber, 1);
    assert.match(board.status.lastError?.message ?? '', /another process took the slot over/);
    await turns();
    clock.tick(HEARTBEAT_MILLIS);
    assert.notEqual(slots.own, own);
  });

  it('keeps new deliveries off the network while it is paused', async () => {
    slots.pause();
    slots.open();
    await turns();
    assert.deepEqual(engine.calls, []);
  });

  it('rejects the promise of a Realm that was never open, when it is closed', async () => {
    await slots.close();
    await assert.rejects(slots.realm.promise, { code: 'connection-closed' });
  });

  it('never leaves the state closed', async () => {
    await openConnected();
    board.change({ state: 'closed' });
    slots.changed();
    assert.equal(board.status.state, 'closed');
  });

  it('ignores records that were stored when its slot is gone', () => {
    slots.stored({} as Destination, 1, 1);
    assert.deepEqual(logged, []);
  });
});
