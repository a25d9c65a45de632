import assert from 'node:assert/strict';
import sinon from 'sinon';
import type { RealmTelemetryError } from '../../src/wire/telemetry-error.js';
import { ConnectionError } from '../../src/connection-error.js';
import type { Destination, SliceResult, WritableRecord } from '../../src/realm/destination.js';
import { DeviceFullError } from '../../src/delivery/device-full-error.js';
import { RecordWriter } from '../../src/delivery/record-writer.js';

const record = (name: string): WritableRecord => ({
  kind: 'span',
  className: 'Span',
  values: { name },
  sizeBytes: 10,
});
const records = (...names: string[]): WritableRecord[] => names.map(record);

/** A destination that takes three records at a time, and throws where Realm would. */
class Shelf implements Destination {
  readonly names: string[] = [];
  isBusy = false;
  slices = 0;

  storeSlice(offered: readonly WritableRecord[], from: number, maxCount: number): SliceResult {
    assert.equal(this.isBusy, false, 'not inside a transaction of the app');
    const slice = offered.slice(from, from + Math.min(3, maxCount)).map(({ values }) => String(values.name));
    if (slice.some((name) => name.startsWith('bad'))) throw new Error('Realm does not take it');
    this.slices += 1;
    this.names.push(...slice);
    return { taken: slice.length, stored: slice.length, storedBytes: slice.length * 10 };
  }
}

describe('RecordWriter', () => {
  let shelf: Shelf;
  let failures: { count: number; error: RealmTelemetryError }[];
  let writer: RecordWriter;

  beforeEach(() => {
    shelf = new Shelf();
    failures = [];
    writer = new RecordWriter({
      place: () => ({ destination: shelf, roomBytes: Infinity }),
      onStored: () => undefined,
      onRefused: () => undefined,
      onFailed: (count, error) => failures.push({ count, error }),
    });
  });

  afterEach(() => {
    sinon.restore();
  });

  it('stores in slices, and gives other work a turn in between', async () => {
    const slicesAtTurns: number[] = [];
    const look = (): void => {
      slicesAtTurns.push(shelf.slices);
      if (shelf.slices < 3) setImmediate(look);
    };
    setImmediate(look);
    assert.deepEqual(await writer.write(records('a', 'b', 'c', 'd', 'e', 'f', 'g')), {
      stored: 7,
      failed: 0,
    });
    assert.equal(shelf.slices, 3);
    assert.deepEqual(shelf.names, ['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    assert.ok(slicesAtTurns.includes(1) && slicesAtTurns.includes(2), slicesAtTurns.join());
  });

  it('finishes one call before the next one begins', async () => {
    await Promise.all([writer.write(records('a', 'b', 'c', 'd')), writer.write(records('e'))]);
    assert.deepEqual(shelf.names, ['a', 'b', 'c', 'd', 'e']);
  });

  it('loses alone the record that Realm does not take', async () => {
    const outcome = await writer.write(records('a', 'bad', 'c', 'd'));
    assert.deepEqual(shelf.names, ['a', 'c', 'd']);
    assert.equal(outcome.stored, 3);
    assert.equal(outcome.failed, 1);
    assert.equal(outcome.error?.code, 'write-failed');
    assert.deepEqual(failures, [{ count: 1, error: outcome.error }]);
  });

  it('gives up at once where nothing can be stored', async () => {
    let asked = 0;
    writer = new RecordWriter({
      place: () => {
        asked += 1;
        throw new ConnectionError('connection-closed', 'test');
      },
      onStored: () => undefined,
      onRefused: () => undefined,
      onFailed: () => undefined,
    });
    const { stored, failed } = await writer.write(records('a', 'b', 'c'));
    assert.deepEqual({ stored, failed, asked }, { stored: 0, failed: 3, asked: 1 });
  });

  it('stores no more at once than there is room for', async () => {
    const rooms = [25, 10, 1000];
    const slices: number[] = [];
    writer = new RecordWriter({
      place: () => ({ destination: shelf, roomBytes: rooms.shift() ?? 0 }),
      onStored: (_destination, count) => slices.push(count),
      onRefused: () => undefined,
      onFailed: () => undefined,
    });
    await writer.write(records('a', 'b', 'c', 'd', 'e', 'f'));
    assert.deepEqual(slices, [2, 1, 3]);
  });

  it('asks again in a later turn while room is being made', async () => {
    let asked = 0;
    writer = new RecordWriter({
      place: () => {
        asked += 1;
        return asked < 3 ? undefined : { destination: shelf, roomBytes: Infinity };
      },
      onStored: () => undefined,
      onRefused: () => undefined,
      onFailed: () => undefined,
    });
    const writing = writer.write(records('a'));
    await Promise.resolve();
    assert.ok(asked <= 1);
    assert.deepEqual(await writing, { stored: 1, failed: 0 });
    assert.equal(asked, 3);
  });

  it('says how many records a full device refused, under a code of its own', async () => {
    let slices = 0;
    writer = new RecordWriter({
      place: () => {
        slices += 1;
        if (slices > 1) throw new DeviceFullError(9 * 2 ** 20, 10 * 2 ** 20, 'new records are refused');
        return { destination: shelf, roomBytes: Infinity };
      },
      onStored: () => undefined,
      onRefused: () => undefined,
      onFailed: (count, error) => failures.push({ count, error }),
    });
    const { stored, failed, error } = await writer.write(records('a', 'b', 'c', 'd', 'e'));
    assert.deepEqual({ stored, failed, code: error?.code }, { stored: 3, failed: 2, code: 'device-full' });
    assert.match(
      error?.message ?? '',
      /2 new records were refused; .*9\.0 MiB of 10\.0 MiB \(maxUnsyncedBytes\)/,
    );
    assert.deepEqual(failures, [{ count: 2, error }]);
  });

  it('waits until a transaction of the app is over', async () => {
    shelf.isBusy = true;
    const writing = writer.write(records('a'));
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(shelf.names, []);
    shelf.isBusy = false;
    assert.deepEqual(await writing, { stored: 1, failed: 0 });
  });

  it('gives up on a transaction of the app that does not end, and goes on when it has', async () => {
    const clock = sinon.useFakeTimers({ toFake: ['performance', 'setTimeout'] });
    shelf.isBusy = true;
    const writing = Promise.all([writer.write(records('a')), writer.write(records('b', 'c'))]);
    await clock.tickAsync(29_000);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(failures.length, 0);
    await clock.tickAsync(2000);
    const outcomes = await writing;
    assert.deepEqual(
      outcomes.map(({ failed, error }) => [failed, error?.code]),
      [
        [1, 'write-failed'],
        [2, 'write-failed'],
      ],
    );
    assert.match(outcomes[1].error?.message ?? '', /2 of them: .*transaction of the app for 30 s/);
    shelf.isBusy = false;
    assert.deepEqual(await writer.write(records('d')), { stored: 1, failed: 0 });
    assert.deepEqual(shelf.names, ['d']);
  });

  describe('with an alternative', () => {
    let other: Shelf;
    let refusals: number;

    beforeEach(() => {
      other = new Shelf();
      refusals = 0;
      writer = new RecordWriter({
        place: (_nextBytes, avoided) =>
          avoided === shelf
            ? { destination: other, roomBytes: Infinity, hasAlternative: false }
            : { destination: shelf, roomBytes: Infinity, hasAlternative: true },
        onStored: () => undefined,
        onRefused: () => (refusals += 1),
        onFailed: (count, error) => failures.push({ count, error }),
      });
    });

    for (const names of [['a'], ['a', 'b'], ['a', 'b', 'c', 'd', 'e']]) {
      it(`puts ${names.length} there, in order, where the place takes none`, async () => {
        sinon.stub(shelf, 'storeSlice').throws(new Error('the clock stands before 2015'));
        assert.deepEqual(await writer.write(records(...names)), { stored: names.length, failed: 0 });
        assert.deepEqual([shelf.names, other.names, refusals], [[], names, 1]);
      });
    }

    it('puts the rest there where the place stops taking any', async () => {
      const storeSlice = sinon.stub(shelf, 'storeSlice').callThrough();
      storeSlice.onSecondCall().callsFake(() => {
        storeSlice.throws(new Error('no space left'));
        throw new Error('no space left');
      });
      assert.deepEqual(await writer.write(records('a', 'b', 'c', 'd', 'e')), { stored: 5, failed: 0 });
      assert.deepEqual(
        [shelf.names, other.names],
        [
          ['a', 'b', 'c'],
          ['d', 'e'],
        ],
      );
    });

    it('still loses alone the record that the place does not take', async () => {
      const { stored, failed } = await writer.write(records('a', 'bad', 'c', 'd'));
      assert.deepEqual({ stored, failed, refusals }, { stored: 3, failed: 1, refusals: 0 });
      assert.deepEqual([shelf.names, other.names], [['a', 'c', 'd'], []]);
    });

    it('says why records fail that neither takes', async () => {
      sinon.stub(shelf, 'storeSlice').throws(new Error('no'));
      sinon.stub(other, 'storeSlice').throws(new Error('no space left'));
      const { stored, failed, error } = await writer.write(records('a', 'b', 'c'));
      assert.deepEqual({ stored, failed }, { stored: 0, failed: 3 });
      assert.match(error?.message ?? '', /3 of them: no space left/);
    });
  });

  it('takes no records for stored', async () => {
    assert.deepEqual(await writer.write([]), { stored: 0, failed: 0 });
  });
});
