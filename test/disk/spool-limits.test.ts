import assert from 'node:assert/strict';
import { DeviceBudget } from '../../src/disk/device-budget.js';
import { RealmFileGauge } from '../../src/disk/realm-file-gauge.js';
import { SpoolLimits, type WhenFull } from '../../src/disk/spool-limits.js';
import type { DroppedSlice, Spool } from '../../src/disk/spool.js';
import { RecordedEvents } from '../support/recorded-events.js';

const KiB = 1024;
const MiB = KiB * KiB;

describe('SpoolLimits', () => {
  /** A spool with `count` records of 1 KiB each. */
  let count: number;
  let old: number;
  let drops: number;
  let events: RecordedEvents;

  beforeEach(() => {
    count = 0;
    old = 0;
    drops = 0;
    events = new RecordedEvents();
  });

  function drop(wanted: number): number {
    drops += 1;
    const records = Math.min(100, wanted);
    count -= records;
    return records;
  }

  /** @param file - how large the spool's file is; others leave it no room to grow */
  function limits(whenFull: WhenFull, maxAgeMillis?: number, file?: number): SpoolLimits {
    const files = { sizeBytes: () => (file === undefined ? undefined : 8 * MiB) };
    const budget = new DeviceBudget({ maxBytes: 8 * MiB, files });
    const gauge = new RealmFileGauge({ fileBytes: () => file, recordBytes: () => count * KiB });
    budget.add(gauge);
    const spool = {
      get count() {
        return count;
      },
      get sizeBytes() {
        return count * KiB;
      },
      dropOldest: (): DroppedSlice => ({ records: drop(count), hasMore: count > 0 }),
      dropOlderThan(): DroppedSlice {
        const records = drop(old);
        old -= records;
        return { records, hasMore: records > 0 };
      },
    } as unknown as Spool;
    const policy = { budget, whenFull, maxUnsyncedAgeMillis: maxAgeMillis, events };
    return new SpoolLimits(spool, gauge, policy, { changed: () => undefined });
  }

  /** Stores records as a writer does. @returns how many there was room for */
  function store(kept: SpoolLimits, records: number): number {
    for (let stored = 0; stored < records; stored += 1) {
      let room = kept.roomBytes(KiB);
      while (room === undefined) room = kept.roomBytes(KiB);
      if (room < KiB) return stored;
      count += 1;
    }
    return records;
  }

  it("has the limit's room minus the part for moving records, and drops nothing with dropNewest", () => {
    const kept = limits('dropNewest');
    assert.equal(store(kept, 10_000), 7 * KiB);
    assert.equal(drops, 0);
  });

  it('makes room by dropping the oldest records in slices, many at once', () => {
    const kept = limits('dropOldest');
    assert.equal(store(kept, 20_000), 20_000);
    assert.ok(count <= 7 * KiB && count > 6.5 * KiB, `${count}`);
    assert.equal(
      events.drops.reduce((sum, [, records]) => sum + records, 0),
      20_000 - count,
    );
    assert.ok(drops < 200, `${drops} transactions to drop ${20_000 - count} records`);
    assert.ok(events.drops.every(([reason]) => reason === 'dropped-oldest'));
  });

  it('drops one slice in each call, with a turn for other work between two calls', () => {
    const kept = limits('dropOldest');
    store(kept, 7 * KiB);
    assert.equal(kept.roomBytes(KiB), undefined);
    assert.equal(drops, 1);
  });

  it('works with the little room that other processes leave, and does not drop everything at once', () => {
    const kept = limits('dropOldest', undefined, 2 * MiB);
    assert.equal(store(kept, 20_000), 20_000);
    assert.ok(count > 1.3 * KiB && count < 1.9 * KiB, `${count} records`);
    assert.ok(events.drops.every(([, records]) => records === 100));
  });

  it('does not drop all records for one that hardly fits', () => {
    const kept = limits('dropOldest');
    store(kept, 1000);
    assert.ok((kept.roomBytes(7 * MiB) ?? 0) < 7 * MiB);
    assert.equal(drops, 0);
  });

  it('drops records that are too old, slice by slice, and none without a limit', async () => {
    count = 1000;
    old = 250;
    await limits('dropNewest').expire();
    assert.equal(drops, 0);
    const kept = limits('dropNewest', 1000);
    const expiring = kept.expire();
    assert.equal(kept.isExpiring, true);
    assert.equal(drops, 1);
    await expiring;
    assert.equal(kept.isExpiring, false);
    assert.deepEqual(events.drops, [
      ['too-old', 100],
      ['too-old', 100],
      ['too-old', 50],
    ]);
  });

  it('stops between two slices', async () => {
    count = 1000;
    old = 900;
    const kept = limits('dropNewest', 1000);
    void kept.expire();
    await kept.stop();
    assert.equal(events.drops.length, 1);
  });
});
