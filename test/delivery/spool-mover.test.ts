import assert from 'node:assert/strict';
import { ObjectId } from 'bson';
import sinon, { type SinonFakeTimers } from 'sinon';
import { SpoolMover } from '../../src/delivery/spool-mover.js';
import { Spool } from '../../src/disk/spool.js';
import {
  RefusedRecordError,
  type Destination,
  type SliceResult,
  type WritableRecord,
} from '../../src/realm/destination.js';
import { EngineBoundary } from '../support/engine-boundary.js';
import { RecordedEvents } from '../support/recorded-events.js';
import { turns } from '../support/slot-fixture.js';

/** Longer than every back-off. */
const LONG_MILLIS = 400_000;

const record = (name: string): WritableRecord => ({
  kind: 'span',
  className: 'Span',
  values: { _id: new ObjectId(), name },
  sizeBytes: 50,
});
const nameOf = ({ values }: WritableRecord): string => String(values.name);

/** Takes two records at a time; refuses those called `bad`, and fails for those called `large` if it is full. */
class FakeDestination implements Destination {
  readonly isBusy = false;
  readonly names: string[] = [];
  isFull = false;
  isBroken = false;
  takesAll = false;

  storeSlice(records: readonly WritableRecord[], from: number, maxCount: number): SliceResult {
    const slice = records.slice(from, from + Math.min(2, maxCount)).map(nameOf);
    const refused = slice.findIndex((name) => name.startsWith('bad'));
    if (refused >= 0 && !this.takesAll) throw new RefusedRecordError(refused, new Error('no such class'));
    const isTooLarge = this.isFull && slice.some((name) => name.startsWith('large'));
    if (this.isBroken || isTooLarge) throw new Error('no space left');
    this.names.push(...slice);
    return { taken: slice.length, stored: slice.length, storedBytes: slice.length * 50 };
  }
}

describe('SpoolMover', () => {
  let clock: SinonFakeTimers;
  let spool: Spool;
  let destination: FakeDestination;
  /** Whether there is somewhere to move to. */
  let isOpen: boolean;
  let movedBytes: number;
  let events: RecordedEvents;
  let mover: SpoolMover;

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    spool = Spool.open(new EngineBoundary().Realm, 'spool.realm');
    destination = new FakeDestination();
    isOpen = true;
    movedBytes = 0;
    events = new RecordedEvents();
    mover = new SpoolMover(spool, events, {
      movingTo: () => (isOpen ? destination : undefined),
      moved: (_count, sizeBytes) => (movedBytes += sizeBytes),
      changed: () => undefined,
    });
  });

  afterEach(async () => {
    await mover.stop();
    sinon.restore();
  });

  function fill(...names: readonly string[]): void {
    const records = names.map(record);
    for (let next = 0; next < records.length;) next += spool.storeSlice(records, next, Infinity).taken;
  }

  /** Starts the mover, and lets it go on until it ends or waits for its back-off. */
  async function move(): Promise<void> {
    mover.start();
    await turns(200);
  }

  it('moves everything, in order', async () => {
    fill('a', 'b', 'c', 'd', 'e');
    await move();
    assert.deepEqual([spool.count, destination.names], [0, ['a', 'b', 'c', 'd', 'e']]);
    assert.equal(movedBytes, 250);
    assert.equal(mover.isRunning, false);
  });

  it('ends if there is nowhere to move to, and can be started again', async () => {
    isOpen = false;
    fill('a');
    await move();
    assert.deepEqual([spool.count, mover.isRunning], [1, false]);
    isOpen = true;
    await move();
    assert.deepEqual(destination.names, ['a']);
  });

  it('stops between two slices', async () => {
    fill('a', 'b', 'c', 'd', 'e');
    mover.start();
    await mover.stop();
    assert.deepEqual(destination.names, ['a', 'b']);
    await move();
    assert.equal(spool.count, 3);
  });

  it('drops a record that cannot be read', async () => {
    fill('a', 'b');
    const peek = sinon.stub(spool, 'peek').callThrough();
    peek.onFirstCall().returns({ records: [], seqs: [], unreadable: [0] });
    await move();
    assert.deepEqual([spool.count, destination.names], [0, ['b']]);
    assert.deepEqual(events.drops, [['spool-unreadable', 1]]);
    assert.match(events.messages.join(), /1 of the spool: unreadable/);
  });

  describe('a refused record', () => {
    it('is given up when another is taken', async () => {
      fill('a', 'b', 'bad', 'd', 'e');
      await move();
      assert.deepEqual([spool.count, destination.names], [0, ['a', 'b', 'd', 'e']]);
      assert.deepEqual(events.drops, [['write-failed', 1]]);
    });

    it('is given up with all others in a row, each counted', async () => {
      const bad = Array.from({ length: 258 }, (_, index) => `bad${index}`);
      fill('bad', 'bad', 'a', ...bad, 'b');
      await move();
      await move();
      assert.deepEqual([spool.count, destination.names], [0, ['a', 'b']]);
      assert.deepEqual(events.drops, [
        ['write-failed', 2],
        ['write-failed', 256],
        ['write-failed', 2],
      ]);
    });

    it('stays while no record was ever taken, which is reported once', async () => {
      fill('bad', 'bad');
      await move();
      await move();
      assert.equal(mover.isRunning, false);
      assert.equal(events.errors.length, 1);
      assert.match(events.messages.join(), /2 of the spool stay there .*: no such class/);
      assert.deepEqual([spool.count, events.drops], [2, []]);
      fill('a');
      await move();
      assert.deepEqual([spool.count, destination.names], [0, ['a']]);
      assert.deepEqual(events.drops, [['write-failed', 2]]);
    });

    it('is given up when the destination takes a record that was not in the spool', async () => {
      fill('bad');
      await move();
      mover.noteStored(destination);
      await turns(20);
      assert.deepEqual([spool.count, events.drops], [0, [['write-failed', 1]]]);
    });

    it('is tried once more, after the back-off, if it is the last one and others were taken before', async () => {
      fill('a', 'bad', 'bad');
      await move();
      assert.deepEqual([spool.count, destination.names, mover.isRunning], [2, ['a'], true]);
      await clock.tickAsync(LONG_MILLIS);
      await turns(20);
      assert.deepEqual([spool.count, mover.isRunning], [0, false]);
      assert.equal(events.drops.length, 2);
    });

    it('is tried in another Realm', async () => {
      fill('bad');
      await move();
      destination = new FakeDestination();
      destination.takesAll = true;
      await move();
      assert.deepEqual([spool.count, destination.names, events.drops], [0, ['bad'], []]);
    });

    it('is not counted if it was dropped meanwhile', async () => {
      fill('bad', 'bad', 'bad');
      await move();
      assert.equal(spool.dropOldest(2).records, 2);
      fill('a');
      await move();
      assert.deepEqual([spool.count, events.drops], [0, [['write-failed', 1]]]);
    });
  });

  describe('a transaction that fails', () => {
    it('keeps everything, and is tried again with a back-off', async () => {
      fill('a', 'b', 'c');
      destination.isBroken = true;
      await move();
      assert.deepEqual([spool.count, mover.isRunning], [3, true]);
      assert.match(events.messages.join(), /the spool cannot be moved now: no space left/);
      destination.isBroken = false;
      await clock.tickAsync(1000);
      await turns(20);
      assert.deepEqual([spool.count, destination.names], [0, ['a', 'b', 'c']]);
      assert.deepEqual([events.drops, events.errors.length], [[], 1]);
    });

    it('gives up no large record because smaller ones still fit', async () => {
      fill('large', 'large', 'bad', 'small', 'small');
      destination.isFull = true;
      await move();
      for (let attempt = 1; attempt < 5; attempt += 1) await clock.tickAsync(LONG_MILLIS);
      await turns(20);
      assert.deepEqual([spool.count, destination.names, events.drops], [5, [], []]);
      destination.isFull = false;
      await move();
      assert.deepEqual([spool.count, destination.names], [0, ['large', 'large', 'small', 'small']]);
      assert.deepEqual(events.drops, [['write-failed', 1]]);
    });

    it('keeps what was refused before it as well', async () => {
      fill('bad', 'large', 'small');
      destination.isFull = true;
      await move();
      await clock.tickAsync(LONG_MILLIS);
      await turns(20);
      assert.deepEqual([spool.count, destination.names, events.drops], [3, [], []]);
      destination.isFull = false;
      await move();
      assert.deepEqual([spool.count, destination.names], [0, ['large', 'small']]);
      assert.deepEqual(events.drops, [['write-failed', 1]]);
    });
  });

  it('sends nothing again while the spool cannot delete it', async () => {
    fill('a', 'b', 'bad', 'd', 'e');
    const remove = sinon.stub(spool, 'remove').throws(new Error('no space left'));
    await move();
    await move();
    await move();
    assert.ok(remove.callCount >= 3);
    assert.deepEqual([spool.count, destination.names], [5, ['a', 'b']]);
    remove.restore();
    await move();
    assert.deepEqual([spool.count, destination.names], [0, ['a', 'b', 'd', 'e']]);
    assert.deepEqual(events.drops, [['write-failed', 1]]);
  });
});
