import assert from 'node:assert/strict';
import sinon from 'sinon';
import { ConnectionError } from '../../src/connection-error.js';
import type { Destination, SliceResult, WritableRecord } from '../../src/realm/destination.js';
import { DeviceFullError } from '../../src/disk/device-full-error.js';
import { RecordWriter, type PickedDestination } from '../../src/delivery/record-writer.js';
import { RecordedEvents } from '../support/recorded-events.js';

const record = (name: string): WritableRecord => ({
  kind: 'span',
  className: 'Span',
  values: { name },
  sizeBytes: 10,
});
const records = (...names: string[]): WritableRecord[] => names.map(record);

/** A destination that takes three records at a time, and throws when Realm would. */
class FakeDestination implements Destination {
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
  let destination: FakeDestination;
  let events: RecordedEvents;
  let writer: RecordWriter;
  /** The sizes of the slices that were stored. */
  let stored: number[];

  beforeEach(() => {
    destination = new FakeDestination();
    events = new RecordedEvents();
    stored = [];
    writer = writerTo(() => ({ destination, roomBytes: Infinity }));
  });

  function writerTo(
    pick: (nextBytes: number, avoided?: Destination) => PickedDestination | undefined,
  ): RecordWriter {
    return new RecordWriter({ pick, stored: (_destination, count) => stored.push(count) }, events);
  }

  afterEach(() => {
    sinon.restore();
  });

  it('stores in slices, with a turn for other work between two slices', async () => {
    const slicesAtTurns: number[] = [];
    const look = (): void => {
      slicesAtTurns.push(destination.slices);
      if (destination.slices < 3) setImmediate(look);
    };
    setImmediate(look);
    assert.deepEqual(await writer.write(records('a', 'b', 'c', 'd', 'e', 'f', 'g')), {
      stored: 7,
      failed: 0,
    });
    assert.equal(destination.slices, 3);
    assert.deepEqual(destination.names, ['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    assert.ok(slicesAtTurns.includes(1) && slicesAtTurns.includes(2), slicesAtTurns.join());
  });

  it('finishes one call before the next one begins', async () => {
    await Promise.all([writer.write(records('a', 'b', 'c', 'd')), writer.write(records('e'))]);
    assert.deepEqual(destination.names, ['a', 'b', 'c', 'd', 'e']);
  });

  it('loses only the record that Realm refuses', async () => {
    const outcome = await writer.write(records('a', 'bad', 'c', 'd'));
    assert.deepEqual(destination.names, ['a', 'c', 'd']);
    assert.equal(outcome.stored, 3);
    assert.equal(outcome.failed, 1);
    assert.equal(outcome.error?.code, 'write-failed');
    assert.deepEqual(events.drops, [['write-failed', 1]]);
    assert.deepEqual(events.errors, [outcome.error]);
  });

  it('gives up at once if nothing can be stored', async () => {
    let asked = 0;
    writer = writerTo(() => {
      asked += 1;
      throw new ConnectionError('connection-closed', 'test');
    });
    const { stored, failed } = await writer.write(records('a', 'b', 'c'));
    assert.deepEqual({ stored, failed, asked }, { stored: 0, failed: 3, asked: 1 });
  });

  it('stores only as much as there is room for', async () => {
    const rooms = [25, 10, 1000];
    writer = writerTo(() => ({ destination: destination, roomBytes: rooms.shift() ?? 0 }));
    await writer.write(records('a', 'b', 'c', 'd', 'e', 'f'));
    assert.deepEqual(stored, [2, 1, 3]);
  });

  it('asks again in a later turn while room is being made', async () => {
    let asked = 0;
    writer = writerTo(() => {
      asked += 1;
      return asked < 3 ? undefined : { destination: destination, roomBytes: Infinity };
    });
    const writing = writer.write(records('a'));
    await Promise.resolve();
    assert.ok(asked <= 1);
    assert.deepEqual(await writing, { stored: 1, failed: 0 });
    assert.equal(asked, 3);
  });

  it('reports how many records a full device refused, with a code of its own', async () => {
    let slices = 0;
    writer = writerTo(() => {
      slices += 1;
      if (slices > 1)
        throw new DeviceFullError(
          { takenBytes: 9 * 2 ** 20, maxBytes: 10 * 2 ** 20 },
          'new records are refused',
        );
      return { destination: destination, roomBytes: Infinity };
    });
    const { stored, failed, error } = await writer.write(records('a', 'b', 'c', 'd', 'e'));
    assert.deepEqual({ stored, failed, code: error?.code }, { stored: 3, failed: 2, code: 'device-full' });
    assert.match(
      error?.message ?? '',
      /2 new records were refused; .*9\.0 MiB of 10\.0 MiB \(maxUnsyncedBytes\)/,
    );
    assert.deepEqual(events.drops, [['device-full', 2]]);
    assert.deepEqual(events.errors, [error]);
  });

  it('waits for the end of a transaction of the app', async () => {
    destination.isBusy = true;
    const writing = writer.write(records('a'));
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(destination.names, []);
    destination.isBusy = false;
    assert.deepEqual(await writing, { stored: 1, failed: 0 });
  });

  it('gives up after 30 s in a transaction of the app, and continues after its end', async () => {
    const clock = sinon.useFakeTimers({ toFake: ['performance', 'setTimeout'] });
    destination.isBusy = true;
    const writing = Promise.all([writer.write(records('a')), writer.write(records('b', 'c'))]);
    await clock.tickAsync(29_000);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(events.errors.length, 0);
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
    destination.isBusy = false;
    assert.deepEqual(await writer.write(records('d')), { stored: 1, failed: 0 });
    assert.deepEqual(destination.names, ['d']);
  });

  describe('with an alternative', () => {
    let other: FakeDestination;

    beforeEach(() => {
      other = new FakeDestination();
      writer = writerTo((_nextBytes, avoided) =>
        avoided === destination
          ? { destination: other, roomBytes: Infinity, hasAlternative: false }
          : { destination: destination, roomBytes: Infinity, hasAlternative: true },
      );
    });

    for (const names of [['a'], ['a', 'b'], ['a', 'b', 'c', 'd', 'e']]) {
      it(`gets ${names.length} records, in order, if the destination takes none`, async () => {
        sinon.stub(destination, 'storeSlice').throws(new Error('the clock stands before 2015'));
        assert.deepEqual(await writer.write(records(...names)), { stored: names.length, failed: 0 });
        assert.deepEqual([destination.names, other.names], [[], names]);
        assert.match(
          events.messages.join(),
          /the synced Realm takes no records.*: the clock stands before 2015$/,
        );
      });
    }

    it('gets the rest if the destination stops taking records', async () => {
      const storeSlice = sinon.stub(destination, 'storeSlice').callThrough();
      storeSlice.onSecondCall().callsFake(() => {
        storeSlice.throws(new Error('no space left'));
        throw new Error('no space left');
      });
      assert.deepEqual(await writer.write(records('a', 'b', 'c', 'd', 'e')), { stored: 5, failed: 0 });
      assert.deepEqual(
        [destination.names, other.names],
        [
          ['a', 'b', 'c'],
          ['d', 'e'],
        ],
      );
    });

    it('still loses only the record that the destination refuses', async () => {
      const { stored, failed } = await writer.write(records('a', 'bad', 'c', 'd'));
      assert.deepEqual([stored, failed, events.errors.length], [3, 1, 1]);
      assert.deepEqual([destination.names, other.names], [['a', 'c', 'd'], []]);
    });

    it('reports why records fail that neither destination takes', async () => {
      sinon.stub(destination, 'storeSlice').throws(new Error('no'));
      sinon.stub(other, 'storeSlice').throws(new Error('no space left'));
      const { stored, failed, error } = await writer.write(records('a', 'b', 'c'));
      assert.deepEqual({ stored, failed }, { stored: 0, failed: 3 });
      assert.match(error?.message ?? '', /3 of them: no space left/);
    });
  });

  it('treats zero records as stored', async () => {
    assert.deepEqual(await writer.write([]), { stored: 0, failed: 0 });
  });
});
