import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sinon from 'sinon';
import Realm from '../support/engine/realm.mjs';
import { eventually } from '../support/eventually.js';
import {
  RefusedRecordError,
  type Destination,
  type SliceResult,
  type WritableRecord,
} from '../../src/realm/destination.js';
import { asNative } from '../../src/realm/realm-types.js';
import { MAX_PAYLOAD_BYTES } from '../../src/disk/spool-payload.js';
import { Spool } from '../../src/disk/spool.js';
import { SpoolMover } from '../../src/delivery/spool-mover.js';

describe('spool', () => {
  let directory: string;
  let spool: Spool;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'spool-'));
    spool = Spool.open(asNative(Realm), join(directory, 'spool.realm'));
  });

  afterEach(() => {
    spool.close();
    rmSync(directory, { recursive: true, force: true });
  });

  function record(name: string): WritableRecord {
    return {
      kind: 'span',
      className: 'Span',
      values: { _id: new Realm.BSON.ObjectId(), name },
      sizeBytes: 50,
    };
  }

  function fill(...records: readonly WritableRecord[]): void {
    for (let next = 0; next < records.length;) next += spool.storeSlice(records, next, Infinity).taken;
  }

  const nameOf = ({ values }: WritableRecord) => String(values.name);

  it('gives records back in the order in which they came, as they were', () => {
    const records = Array.from({ length: 40 }, (_, index) => record(`r${index}`));
    fill(...records);
    assert.equal(spool.count, 40);
    const slice = spool.peek(64);
    assert.deepEqual(
      slice.records.map(({ kind, className, values }) => ({ kind, className, values })),
      records.map(({ kind, className, values }) => ({ kind, className, values })),
    );
    assert.deepEqual(
      slice.seqs,
      records.map((_, index) => index),
    );
  });

  it('forgets what was removed, and goes on behind gaps', () => {
    fill(...Array.from({ length: 10 }, (_, index) => record(`r${index}`)));
    spool.remove(spool.peek(3).seqs);
    assert.equal(spool.count, 7);
    assert.deepEqual(spool.peek(2).records.map(nameOf), ['r3', 'r4']);
    spool.remove([3, 4, 6]);
    assert.deepEqual(spool.peek(64).records.map(nameOf), ['r5', 'r7', 'r8', 'r9']);
    spool.remove(spool.peek(64).seqs);
    assert.equal(spool.count, 0);
    fill(record('later'));
    assert.deepEqual(spool.peek(64).records.map(nameOf), ['later']);
  });

  it('reads on from a number, behind gaps too', () => {
    fill(...Array.from({ length: 300 }, (_, index) => record(`r${index}`)));
    assert.deepEqual(spool.peek(2, 10).seqs, [10, 11]);
    spool.remove(Array.from({ length: 200 }, (_, index) => index + 50));
    assert.deepEqual(spool.peek(2, 49).seqs, [49]);
    assert.deepEqual(spool.peek(2, 50).seqs, [250, 251]);
    assert.deepEqual(spool.peek(2, 300).seqs, []);
  });

  it('gives a record back under the class that its kind has now', () => {
    fill(record('a'));
    const { path } = spool;
    const again = Spool.open(asNative(Realm), path, { classNames: { span: 'AcmeSpan' } });
    assert.deepEqual(
      again.peek(1).records.map(({ className }) => className),
      ['AcmeSpan'],
    );
    again.close();
  });

  it('counts on where it was when it is opened again', () => {
    fill(record('a'), record('b'));
    const again = Spool.open(asNative(Realm), join(directory, 'spool.realm'));
    assert.equal(again.count, 2);
    again.storeSlice([record('c')], 0, 1);
    assert.deepEqual(again.peek(64).seqs, [0, 1, 2]);
    again.close();
  });

  it('refuses before the transaction what Realm would throw at inside it, and stores the rest', () => {
    const large = { ...record('x'), values: { ...record('x').values, body: 'x'.repeat(MAX_PAYLOAD_BYTES) } };
    const result = spool.storeSlice([record('a'), large, record('b')], 0, 3);
    assert.equal(result.taken, 3);
    assert.equal(result.stored, 2);
    assert.ok(result.error instanceof RangeError);
    assert.deepEqual(spool.peek(64).records.map(nameOf), ['a', 'b']);
  });

  it('reads at most a megabyte at once', () => {
    const large = (name: string) => ({
      ...record(name),
      values: { ...record(name).values, body: 'x'.repeat(700_000) },
    });
    fill(large('a'), large('b'), large('c'));
    assert.deepEqual(spool.peek(64).records.map(nameOf), ['a']);
  });

  describe('what is dropped', () => {
    const sizes = () => spool.peek(4096).records.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);

    it('is counted, and so is the room that it leaves, over openings', () => {
      fill(...Array.from({ length: 100 }, (_, index) => record(`r${index}`)));
      const perRecord = spool.sizeBytes / 100;
      assert.ok(spool.sizeBytes > sizes() && spool.sizeBytes < sizes() * 2);
      spool.remove(spool.peek(10).seqs);
      assert.ok(Math.abs(spool.sizeBytes - 90 * perRecord) < 100);
      const again = Spool.open(asNative(Realm), join(directory, 'spool.realm'));
      assert.equal(again.sizeBytes, spool.sizeBytes);
      again.close();
    });

    it('is the oldest, in slices', () => {
      fill(...Array.from({ length: 1500 }, (_, index) => record(`r${index}`)));
      assert.deepEqual(spool.dropOldest(5000), { records: 1024, hasMore: true });
      assert.deepEqual(spool.peek(2).records.map(nameOf), ['r1024', 'r1025']);
      assert.deepEqual(spool.dropOldest(5000), { records: 476, hasMore: false });
      assert.equal(spool.count, 0);
      assert.equal(spool.sizeBytes, 0);
      fill(...['later', 'and', 'later'].map(record));
      assert.deepEqual(spool.dropOldest(2), { records: 2, hasMore: true });
      assert.deepEqual(spool.peek(64).records.map(nameOf), ['later']);
      assert.deepEqual(spool.dropOldest(5000), { records: 1, hasMore: false });
      assert.deepEqual(spool.dropOldest(5000), { records: 0, hasMore: false });
    });

    it('is the oldest behind a gap, too', () => {
      fill(...Array.from({ length: 3000 }, (_, index) => record(`r${index}`)));
      spool.remove(spool.peek(4096).seqs.slice(0, 2500));
      assert.deepEqual(spool.dropOldest(5000), { records: 500, hasMore: false });
    });
  });

  describe('records of a certain age', () => {
    const day = 86_400_000;
    let now: number;

    beforeEach(() => {
      now = Date.UTC(2025, 5, 1);
      spool.close();
      spool = Spool.open(asNative(Realm), join(directory, 'aged.realm'), { now: () => now });
    });

    it('are dropped, and younger ones kept', () => {
      fill(record('a'), record('b'));
      now += 2 * day;
      fill(record('c'));
      now += 2 * day;
      assert.equal(spool.dropOlderThan(5 * day).records, 0);
      assert.deepEqual(spool.dropOlderThan(3 * day), { records: 2, hasMore: true });
      assert.deepEqual(spool.dropOlderThan(3 * day), { records: 0, hasMore: false });
      assert.deepEqual(spool.peek(64).records.map(nameOf), ['c']);
    });

    it('are kept where they were stored before the clock of the device was set', () => {
      now = 60_000; // since 1970: a board without a battery
      fill(record('a'));
      now = Date.UTC(2025, 5, 1);
      assert.equal(spool.dropOlderThan(day).records, 0);
    });

    it('are kept where the clock was set back', () => {
      fill(record('a'));
      now -= 300 * day;
      assert.equal(spool.dropOlderThan(day).records, 0);
    });
  });

  describe('mover', () => {
    /** Takes what it is given; refuses what is called `bad`, and fails at what is called `large` on a disk that is full. */
    class Shelf implements Destination {
      readonly isBusy = false;
      readonly names: string[] = [];
      isFull = false;
      isBroken = false;

      storeSlice(records: readonly WritableRecord[], from: number, maxCount: number): SliceResult {
        const slice = records.slice(from, from + Math.min(2, maxCount)).map(nameOf);
        const refused = slice.findIndex((name) => name.startsWith('bad'));
        if (refused >= 0) throw new RefusedRecordError(refused, new Error('no such class'));
        const isTooLarge = this.isFull && slice.some((name) => name.startsWith('large'));
        if (this.isBroken || isTooLarge) throw new Error('no space left');
        this.names.push(...slice);
        return { taken: slice.length, stored: slice.length, storedBytes: slice.length * 50 };
      }
    }

    let shelf: Shelf | undefined;
    let dropped: unknown[];
    let refused: unknown[];
    let failed: string[];
    let mover: SpoolMover;

    beforeEach(() => {
      shelf = new Shelf();
      dropped = [];
      refused = [];
      failed = [];
      mover = new SpoolMover({
        spool,
        destination: () => shelf,
        onMoved: () => undefined,
        onDropped: (reason, count) => dropped.push([reason, count]),
        onFailed: (cause) => failed.push((cause as Error).message),
        onRefused: (count, cause) => refused.push([count, (cause as Error).message]),
      });
    });

    afterEach(() => mover.stop());

    /** Starts it again and again, so that it does not wait for its back-off. */
    const startUntil = (what: string, holds: () => boolean) =>
      eventually(what, () => {
        mover.start();
        return holds();
      });

    it('moves everything, in order', async () => {
      fill(...['a', 'b', 'c', 'd', 'e'].map(record));
      mover.start();
      await eventually('an empty spool', () => spool.count === 0);
      assert.deepEqual(shelf?.names, ['a', 'b', 'c', 'd', 'e']);
    });

    describe('and records that are refused', () => {
      it('gives one up once another is taken', async () => {
        fill(...['a', 'b', 'bad', 'd', 'e'].map(record));
        mover.start();
        await eventually('an empty spool', () => spool.count === 0);
        assert.deepEqual(shelf?.names, ['a', 'b', 'd', 'e']);
        assert.deepEqual(dropped, [['write-failed', 1]]);
      });

      it('gives up as many in a row as there are, and counts each', async () => {
        const bad = Array.from({ length: 300 }, (_, index) => record(`bad${index}`));
        fill(record('bad'), record('bad'), record('a'), ...bad, record('b'));
        mover.start();
        await eventually('an empty spool', () => spool.count === 0);
        assert.deepEqual(shelf?.names, ['a', 'b']);
        assert.deepEqual(dropped, [
          ['write-failed', 2],
          ['write-failed', 256],
          ['write-failed', 44],
        ]);
        assert.deepEqual(refused, []);
      });

      it('keeps them while none was ever taken, and says so once', async () => {
        fill(record('bad'), record('bad'));
        mover.start();
        await eventually('word of it', () => refused.length > 0);
        mover.start();
        await eventually('its end', () => !mover.isRunning);
        assert.deepEqual(refused, [[2, 'no such class']]);
        assert.deepEqual(dropped, []);
        assert.equal(spool.count, 2);
        fill(record('a'));
        mover.start();
        await eventually('an empty spool', () => spool.count === 0);
        assert.deepEqual(shelf?.names, ['a']);
        assert.deepEqual(dropped, [['write-failed', 2]]);
      });

      it('gives them up as well when the destination takes a record that was not in the spool', async () => {
        fill(record('bad'));
        mover.start();
        await eventually('word of it', () => refused.length > 0);
        mover.noteStored(shelf!);
        await eventually('an empty spool', () => spool.count === 0);
        assert.deepEqual(dropped, [['write-failed', 1]]);
      });

      it('tries the last ones once more, after a while, where others were taken before', async () => {
        fill(...['a', 'bad', 'bad'].map(record));
        mover.start();
        await eventually('the good one', () => shelf?.names.length === 1);
        for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        assert.equal(spool.count, 2);
        await startUntil('an empty spool', () => spool.count === 0);
        assert.deepEqual([dropped.length, refused], [2, []]);
        await eventually('its end', () => !mover.isRunning);
      });

      it('tries them in another Realm', async () => {
        fill(record('bad'));
        mover.start();
        await eventually('word of it', () => refused.length > 0);
        shelf = new Shelf();
        shelf.storeSlice = function (records) {
          this.names.push(...records.map(nameOf));
          return { taken: records.length, stored: records.length, storedBytes: 0 };
        };
        mover.start();
        await eventually('an empty spool', () => spool.count === 0);
        assert.deepEqual(shelf.names, ['bad']);
        assert.deepEqual(dropped, []);
      });

      it('does not count those that were dropped meanwhile', async () => {
        fill(...['bad', 'bad', 'bad'].map(record));
        mover.start();
        await eventually('word of it', () => refused.length > 0);
        assert.equal(spool.dropOldest(2).records, 2);
        fill(record('a'));
        mover.start();
        await eventually('an empty spool', () => spool.count === 0);
        assert.deepEqual(dropped, [['write-failed', 1]]);
      });
    });

    describe('and transactions that fail', () => {
      it('keeps everything while nothing can be written, and goes on when it can', async () => {
        fill(...['a', 'b', 'c'].map(record));
        shelf!.isBroken = true;
        mover.start();
        await eventually('word of it', () => failed.length > 0);
        assert.equal(spool.count, 3);
        shelf!.isBroken = false;
        mover.start();
        await eventually('an empty spool', () => spool.count === 0);
        assert.deepEqual(shelf?.names, ['a', 'b', 'c']);
        assert.deepEqual([dropped, failed], [[], ['no space left']]);
      });

      it('gives up no large record because smaller ones still fit', async () => {
        fill(...['large', 'large', 'bad', 'small', 'small'].map(record));
        shelf!.isFull = true;
        await startUntil('five attempts', () => failed.length >= 5);
        assert.deepEqual([spool.count, shelf!.names, dropped], [5, [], []]);
        shelf!.isFull = false;
        await startUntil('an empty spool', () => spool.count === 0);
        assert.deepEqual(shelf!.names, ['large', 'large', 'small', 'small']);
        assert.deepEqual(dropped, [['write-failed', 1]]);
      });

      it('keeps what was refused before them as well', async () => {
        fill(...['bad', 'large', 'small'].map(record));
        shelf!.isFull = true;
        await startUntil('three attempts', () => failed.length >= 3);
        assert.deepEqual([spool.count, shelf!.names, dropped], [3, [], []]);
        shelf!.isFull = false;
        await startUntil('an empty spool', () => spool.count === 0);
        assert.deepEqual([shelf!.names, dropped], [['large', 'small'], [['write-failed', 1]]]);
      });
    });

    it('sends nothing again while the spool cannot delete it', async () => {
      fill(...['a', 'b', 'bad', 'd', 'e'].map(record));
      const remove = sinon.stub(spool, 'remove').throws(new Error('no space left'));
      await startUntil('three attempts', () => remove.callCount > 3);
      assert.deepEqual(shelf!.names, ['a', 'b']);
      assert.equal(spool.count, 5);
      remove.restore();
      await startUntil('an empty spool', () => spool.count === 0);
      assert.deepEqual(shelf!.names, ['a', 'b', 'd', 'e']);
      assert.deepEqual(dropped, [['write-failed', 1]]);
    });

    it('stops where there is nowhere to move to, and can be started again', async () => {
      const later = shelf;
      shelf = undefined;
      fill(record('a'));
      mover.start();
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      shelf = later;
      mover.start();
      await eventually('an empty spool', () => spool.count === 0);
    });
  });
});
