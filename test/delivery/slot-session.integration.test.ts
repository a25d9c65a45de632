import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sinon from 'sinon';
import { eventually } from '../support/eventually.js';
import { endSessions } from '../support/engine/realm.mjs';
import { settledWithin } from '../../src/time/bounded-wait.js';
import { SlotInUseError } from '../../src/delivery/slot-in-use-error.js';
import { SlotSession } from '../../src/delivery/slot-session.js';
import { nodeFiles } from '../../src/platform/node/files.js';
import { DeviceBudget } from '../../src/disk/device-budget.js';
import { FileSlotStore, type Slot } from '../../src/disk/slot.js';
import { Spool } from '../../src/disk/spool.js';
import { EngineBoundary, writeRealmLock } from '../support/engine-boundary.js';

describe('slot session', () => {
  let directory: string;
  let store: FileSlotStore;
  let slot: Slot;
  let engine: EngineBoundary;
  let errors: string[];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'slot-session-'));
    store = new FileSlotStore(nodeFiles, { directory, serviceName: 'shop', appId: 'app' });
    slot = store.acquire();
    engine = new EngineBoundary();
    errors = [];
  });

  afterEach(() => {
    sinon.restore();
    endSessions();
    rmSync(directory, { recursive: true, force: true });
  });

  function open(): SlotSession {
    // The WebAssembly engine makes no files, by which an engine that has some is known.
    writeFileSync(slot.path('spool.realm'), '', { flag: 'a' });
    return new SlotSession(slot, {
      Realm: engine.Realm,
      openSource: () => engine.source,
      schema: [],
      encryptionKey: undefined,
      isNative: true,
      classNames: {},
      budget: new DeviceBudget({ maxBytes: 2 ** 30, measure: () => undefined }),
      shouldCompact: undefined,
      whenFull: 'dropNewest',
      maxUnsyncedAgeMillis: undefined,
      onOpen: () => undefined,
      onChange: () => undefined,
      onAcknowledged: () => undefined,
      onDropped: () => undefined,
      onError: (error) => errors.push(error.message),
      onSlotLost: () => undefined,
    });
  }

  it('keeps its slot until the sync session has left the files, though the Realm is closed', async () => {
    const session = open();
    await eventually('a Realm', () => engine.calls.includes('listen'));
    const closing = session.close();
    await eventually('its end', () => engine.calls.includes('close'));
    assert.deepEqual(engine.calls.slice(-2), ['pause', 'close']);
    assert.equal(await settledWithin(closing, 100), false);
    assert.equal(store.acquire().number, 1, 'the slot is still held');
    writeRealmLock(slot.path('user-user.realm'), { participants: 1, hasSyncAgent: false });
    await closing;
    assert.equal(store.acquire().number, 0);
  });

  it('does not hold up the shutdown for a session that stays, and releases the slot when that leaves', async () => {
    const session = open();
    await eventually('a Realm', () => engine.calls.includes('listen'));
    await session.close();
    assert.equal(store.acquire().number, 1);
    writeRealmLock(slot.path('user-user.realm'), { participants: 0, hasSyncAgent: false });
    await eventually('the release', () => store.acquire(new Set([1, 2])).number === 0);
  });

  it('releases the slot although a lock file could not be read, and says so', async () => {
    const session = open();
    await eventually('a Realm', () => engine.calls.includes('listen'));
    writeRealmLock(slot.path('user-user.realm'), { participants: 0, hasSyncAgent: false });
    sinon.stub(slot, 'readRealmLock').onFirstCall().throws(new Error('EMFILE')).callThrough();
    await session.close();
    assert.equal(store.acquire().number, 0);
    assert.match(errors.join(), /slot 0 cannot be released yet: EMFILE/);
  });

  it('closes a spool whose lock file cannot be read, before it gives the slot back', () => {
    const close = sinon.spy(Spool.prototype, 'close');
    sinon.stub(slot, 'readRealmLock').throws(new Error('EMFILE'));
    assert.throws(() => open(), /EMFILE/);
    assert.equal(close.callCount, 1);
    assert.equal(store.acquire().number, 0);
  });

  it('leaves a slot alone whose files another process has open, whatever the lock on the slot says', () => {
    sinon.stub(slot, 'readRealmLock').returns({ participants: 2, hasSyncAgent: false });
    assert.throws(
      () => open(),
      (error) =>
        error instanceof SlotInUseError && error.message.includes('slot 0 is skipped: another process'),
    );
    assert.deepEqual(engine.calls, []);
    assert.equal(slot.isHeld(), false);
    assert.deepEqual(
      readdirSync(join(slot.directory ?? '', '..')).filter((name) => name.startsWith('lock-')),
      [],
      'as if it had never been taken',
    );
  });
});
