import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Realm from '../support/engine/realm.mjs';
import type { WritableRecord } from '../../src/realm/destination.js';
import { asNative } from '../../src/realm/realm-types.js';
import { MAX_PAYLOAD_BYTES } from '../../src/disk/spool-payload.js';
import { Spool } from '../../src/disk/spool.js';

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

  it('returns equal records, in their order', () => {
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

  it('skips removed records', () => {
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

  it('reads from a given number, also after gaps', () => {
    fill(...Array.from({ length: 300 }, (_, index) => record(`r${index}`)));
    assert.deepEqual(spool.peek(2, 10).seqs, [10, 11]);
    spool.remove(Array.from({ length: 200 }, (_, index) => index + 50));
    assert.deepEqual(spool.peek(2, 49).seqs, [49]);
    assert.deepEqual(spool.peek(2, 50).seqs, [250, 251]);
    assert.deepEqual(spool.peek(2, 300).seqs, []);
  });

  it('returns a record with the current class of its kind', () => {
    fill(record('a'));
    const { path } = spool;
    const again = Spool.open(asNative(Realm), path, { classNames: { span: 'AcmeSpan' } });
    assert.deepEqual(
      again.peek(1).records.map(({ className }) => className),
      ['AcmeSpan'],
    );
    again.close();
  });

  it('continues its numbers when it is opened again', () => {
    fill(record('a'), record('b'));
    const again = Spool.open(asNative(Realm), join(directory, 'spool.realm'));
    assert.equal(again.count, 2);
    again.storeSlice([record('c')], 0, 1);
    assert.deepEqual(again.peek(64).seqs, [0, 1, 2]);
    again.close();
  });

  it('refuses a record before the transaction if Realm would throw inside it, and stores the rest', () => {
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

  describe('dropped records', () => {
    const sizes = () => spool.peek(4096).records.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);

    it('are counted, and their room is free, also after reopening', () => {
      fill(...Array.from({ length: 100 }, (_, index) => record(`r${index}`)));
      const perRecord = spool.sizeBytes / 100;
      assert.ok(spool.sizeBytes > sizes() && spool.sizeBytes < sizes() * 2);
      spool.remove(spool.peek(10).seqs);
      assert.ok(Math.abs(spool.sizeBytes - 90 * perRecord) < 100);
      const again = Spool.open(asNative(Realm), join(directory, 'spool.realm'));
      assert.equal(again.sizeBytes, spool.sizeBytes);
      again.close();
    });

    it('are the oldest, in slices', () => {
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

    it('are the oldest, also after a gap', () => {
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

    it("are kept if they were stored before the device's clock was set", () => {
      now = 60_000; // since 1970: a board without a battery
      fill(record('a'));
      now = Date.UTC(2025, 5, 1);
      assert.equal(spool.dropOlderThan(day).records, 0);
    });

    it('are kept if the clock was set back', () => {
      fill(record('a'));
      now -= 300 * day;
      assert.equal(spool.dropOlderThan(day).records, 0);
    });
  });
});
