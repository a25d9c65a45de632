import assert from 'node:assert/strict';
import { DeviceBudget } from '../../src/disk/device-budget.js';
import { RealmFileGauge } from '../../src/disk/realm-file-gauge.js';

const MiB = 2 ** 20;

/**
 * A file that grows as Realm's do: twice as large up to 1 MiB, then by 1 MiB at a time, and never smaller again. It takes
 * `ratio` bytes for each byte of records: more than one with many small values, far less than one if Realm compresses.
 */
class RealmFile {
  size = 64 * 1024;
  records = 0;
  #used = 40 * 1024;

  constructor(public ratio: number) {}

  write(recordBytes: number): void {
    this.records += recordBytes;
    this.#used += recordBytes * this.ratio;
    while (this.size < this.#used / 0.95) this.size += Math.min(this.size, MiB);
  }

  acknowledge(part: number): void {
    this.records -= this.records * part;
    this.#used -= this.#used * part;
  }
}

describe('DeviceBudget', () => {
  const files: RealmFile[] = [];

  let now: number;

  function budgetOf(maxBytes: number, strangers: { bytes: number } = { bytes: 0 }): DeviceBudget {
    return new DeviceBudget({
      maxBytes,
      now: () => now,
      files: { sizeBytes: () => files.reduce((bytes, { size }) => bytes + size, strangers.bytes) },
    });
  }

  function open(budget: DeviceBudget, file: RealmFile): RealmFileGauge {
    files.push(file);
    const gauge = new RealmFileGauge({ fileBytes: () => file.size, recordBytes: () => file.records });
    budget.add(gauge);
    return gauge;
  }

  /** Writes until there is no more room, as exports do. @returns the bytes of records that were taken */
  function fill(budget: DeviceBudget, gauge: RealmFileGauge, file: RealmFile, slice = 20_000): number {
    let taken = 0;
    while (budget.roomBytes(gauge) >= slice) {
      file.write(slice);
      gauge.observe();
      taken += slice;
      assert.ok(budget.takenBytes <= budget.maxBytes, `${budget.takenBytes} of ${budget.maxBytes}`);
    }
    return taken;
  }

  beforeEach(() => {
    now = 0;
    files.length = 0;
  });

  for (const ratio of [0.1, 0.65, 1, 1.7, 6]) {
    it(`fills the file to its limit and never beyond, at ${ratio} bytes of file for a byte of records`, () => {
      const budget = budgetOf(32 * MiB);
      const file = new RealmFile(ratio);
      fill(budget, open(budget, file), file);
      assert.ok(budget.takenBytes > 29 * MiB, `${budget.takenBytes}`);
    });

    it(`fills a file up before it counts as full, also at the smallest limit, at ${ratio}`, () => {
      const budget = budgetOf(4 * MiB);
      const file = new RealmFile(ratio);
      const taken = fill(budget, open(budget, file), file);
      assert.ok(taken * ratio > 3.2 * MiB, `${taken * ratio}`);
    });

    it(`reuses the space of acknowledged records, in a file that does not shrink, at ${ratio}`, () => {
      const budget = budgetOf(32 * MiB);
      const file = new RealmFile(ratio);
      const gauge = open(budget, file);
      const first = fill(budget, gauge, file);
      const size = file.size;
      for (const part of [1, 0.5, 0.3, 1]) {
        file.acknowledge(part);
        gauge.observe();
        const again = fill(budget, gauge, file);
        assert.ok(again > first * part * 0.6, `${again} of ${first} after ${part}`);
      }
      assert.ok(file.size <= size + MiB);
    });
  }

  it('counts a little acknowledged as little room', () => {
    const budget = budgetOf(32 * MiB);
    const file = new RealmFile(1);
    const gauge = open(budget, file);
    fill(budget, gauge, file);
    file.acknowledge(0.02);
    gauge.observe();
    assert.ok(budget.roomBytes(gauge) < MiB);
  });

  it('exceeds the limit by two steps at most if later records take more than it has learnt', () => {
    const budget = budgetOf(32 * MiB);
    const file = new RealmFile(0.3);
    const gauge = open(budget, file);
    fill(budget, gauge, file);
    file.acknowledge(0.5);
    file.ratio = 3;
    while (budget.roomBytes(gauge) >= 20_000) {
      file.write(20_000);
      gauge.observe();
    }
    assert.ok(budget.takenBytes <= 34 * MiB, `${budget.takenBytes}`);
  });

  it('knows nothing of a large file that an earlier process left, and finds its free room by using it', () => {
    const budget = budgetOf(32 * MiB);
    const file = new RealmFile(0.65);
    file.write(46 * MiB);
    file.acknowledge(1);
    const gauge = open(budget, file);
    assert.ok(fill(budget, gauge, file) > 20 * MiB);
  });

  it('counts the files of others, and sees within a second that they are gone', () => {
    const strangers = { bytes: 31 * MiB };
    const budget = budgetOf(32 * MiB, strangers);
    const file = new RealmFile(1);
    const gauge = open(budget, file);
    assert.ok(fill(budget, gauge, file) < MiB);
    strangers.bytes = 0;
    assert.ok(fill(budget, gauge, file) < MiB);
    now += 1000;
    assert.ok(fill(budget, gauge, file) > 28 * MiB);
  });

  it('has one limit for several files', () => {
    const budget = budgetOf(32 * MiB);
    const [spool, synced] = [new RealmFile(1.2), new RealmFile(0.6)];
    const gauges = [open(budget, spool), open(budget, synced)] as const;
    fill(budget, gauges[0], spool);
    assert.ok(fill(budget, gauges[1], synced) < 2 * MiB);
    files.splice(files.indexOf(spool), 1);
    budget.remove(gauges[0]);
    assert.ok(fill(budget, gauges[1], synced) > 20 * MiB);
  });

  it('uses the sizes of the records if there is no file', () => {
    let records = 0;
    const budget = new DeviceBudget({ maxBytes: 4 * MiB, files: { sizeBytes: () => undefined } });
    const gauge = new RealmFileGauge({ fileBytes: () => undefined, recordBytes: () => records });
    budget.add(gauge);
    assert.equal(budget.roomBytes(gauge), 4 * MiB);
    records = 3 * MiB;
    gauge.observe();
    assert.equal(budget.takenBytes, 3 * MiB);
    assert.equal(budget.roomBytes(gauge), MiB);
  });

  it('reserves a part for records that move from the spool', () => {
    assert.equal(budgetOf(256 * MiB).movingBytes, 8 * MiB);
    assert.equal(budgetOf(4 * MiB).movingBytes, MiB / 2);
  });

  it('keeps the last result when it cannot measure', () => {
    let fails = false;
    const budget = new DeviceBudget({
      maxBytes: 4 * MiB,
      files: {
        sizeBytes() {
          if (fails) throw new Error('ENOENT');
          return MiB;
        },
      },
    });
    budget.refresh();
    fails = true;
    budget.refresh();
    assert.equal(budget.takenBytes, MiB);
  });
});
