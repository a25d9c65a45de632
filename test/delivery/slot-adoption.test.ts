import assert from 'node:assert/strict';
import sinon, { type SinonFakeTimers } from 'sinon';
import { SlotAdoption, type AdoptedDelivery } from '../../src/delivery/slot-adoption.js';
import type { Slot, SlotStore } from '../../src/disk/slot.js';
import { RecordedEvents } from '../support/recorded-events.js';

const turns = async () => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

class Delivery implements AdoptedDelivery {
  readonly number: number;
  isClosed = false;
  settle!: () => void;
  readonly #settled = new Promise<void>((resolve) => {
    this.settle = resolve;
  });

  constructor(number: number) {
    this.number = number;
  }

  settled(): Promise<void> {
    return this.#settled;
  }

  close(): Promise<void> {
    this.isClosed = true;
    this.settle();
    return Promise.resolve();
  }
}

describe('SlotAdoption', () => {
  /** Numbers of the slots that wait to be adopted; they are taken in this order. */
  let orphans: number[];
  let released: number[];
  let deliveries: Delivery[];
  let events: RecordedEvents;
  let adoption: SlotAdoption<Delivery>;
  let openDelivery: (slot: Slot) => Delivery;
  let taking: (number: number) => void;

  beforeEach(() => {
    orphans = [0, 1];
    released = [];
    deliveries = [];
    events = new RecordedEvents();
    taking = () => undefined;
    openDelivery = ({ number }) => {
      const delivery = new Delivery(number);
      deliveries.push(delivery);
      return delivery;
    };
    const store: SlotStore = {
      acquire: () => assert.fail('not its business'),
      orphans: () => orphans.map((number) => ({ number, records: 10 })),
      adopt(except) {
        const number = orphans.find((orphan) => except?.has(orphan) !== true);
        if (number === undefined) return undefined;
        taking(number);
        orphans = orphans.filter((orphan) => orphan !== number);
        return { number, release: () => released.push(number) } as unknown as Slot;
      },
      sizeBytes: () => 0,
    };
    adoption = new SlotAdoption(store, events, {
      openDelivery: (slot) => openDelivery(slot),
      changed: () => undefined,
    });
  });

  afterEach(() => adoption.stop());

  it('visits one orphan after the other, and leaves each when it is empty', async () => {
    adoption.startRound();
    await turns();
    assert.equal(deliveries.length, 1, 'one at a time');
    assert.equal(adoption.current, deliveries[0]);
    deliveries[0]?.settle();
    await turns();
    assert.equal(deliveries[0]?.isClosed, true);
    assert.equal(deliveries.length, 2);
    deliveries[1]?.settle();
    await turns();
    assert.equal(adoption.current, undefined);
  });

  it('finds new orphans in a later round', async () => {
    orphans = [];
    adoption.startRound();
    await turns();
    orphans = [0];
    adoption.startRound();
    await turns();
    assert.equal(deliveries.length, 1);
  });

  it('continues with the next slot after another process has taken one over', async () => {
    adoption.startRound();
    await turns();
    await adoption.closeCurrent();
    await turns();
    assert.equal(deliveries[0]?.isClosed, true);
    assert.equal(deliveries.length, 2);
  });

  it('reports a slot that cannot be opened, continues with the next, and tries again in a later round', async () => {
    const open = openDelivery;
    openDelivery = (slot) => {
      if (slot.number === 0) throw new Error('wrong key');
      return open(slot);
    };
    adoption.startRound();
    await turns();
    assert.equal(events.errors.length, 1);
    assert.deepEqual(
      deliveries.map(({ number }) => number),
      [1],
    );
    deliveries[0]?.settle();
    await turns();
    openDelivery = open;
    orphans = [0];
    adoption.startRound();
    await turns();
    assert.equal(deliveries[1]?.number, 0);
  });

  it('counts the records of slots that wait, from the beginning', async () => {
    adoption.startRound();
    assert.deepEqual([adoption.countWaiting(), adoption.isSettled], [20, false]);
    await turns();
    assert.deepEqual([adoption.countWaiting(), adoption.isSettled], [10, false], 'the other one is adopted');
    deliveries[0]?.settle();
    await turns();
    assert.deepEqual([adoption.countWaiting(), adoption.isSettled], [0, false]);
    deliveries[1]?.settle();
    await turns();
    assert.deepEqual([adoption.countWaiting(), adoption.isSettled], [0, true]);
  });

  it('is settled when everything is sent, also from slots that were orphaned meanwhile', async () => {
    let isSettled = false;
    const settled = adoption.settled().then(() => {
      isSettled = true;
    });
    await turns();
    deliveries[0]?.settle();
    await turns();
    orphans = [2];
    assert.equal(isSettled, false);
    deliveries[1]?.settle();
    await turns();
    assert.equal(isSettled, false);
    deliveries[2]?.settle();
    await settled;
    assert.equal(adoption.isSettled, true);
  });

  it('does not wait for a slot that cannot be opened, but counts its records', async () => {
    openDelivery = ({ number }) => {
      orphans.push(number); // released
      throw new Error('wrong key');
    };
    await adoption.settled();
    assert.deepEqual([adoption.countWaiting(), adoption.isSettled], [20, false]);
    assert.equal(events.errors.length, 2);
  });

  it('begins no further round if the last one visited no new slot', async () => {
    openDelivery = ({ number }) => {
      orphans.push(number); // released
      throw new Error('wrong key');
    };
    taking = (number) => {
      if (number === 1) throw new Error('no space left');
    };
    await adoption.settled();
    assert.ok(events.errors.length <= 4, `${events.errors.length} errors`);
    assert.equal(adoption.isSettled, false);
  });

  it('ends the wait when it is stopped', async () => {
    const settled = adoption.settled();
    await turns();
    await adoption.stop();
    await settled;
    assert.equal(adoption.isSettled, false);
  });

  it('does not count the own slot of the connection, which is released meanwhile', async () => {
    orphans = [0, 7];
    await adoption.stop();
    assert.deepEqual([adoption.countWaiting(7), adoption.countWaiting()], [10, 20]);
  });

  describe('a slot that does not get empty', () => {
    let clock: SinonFakeTimers;
    const passVisit = async () => {
      await clock.tickAsync(601_000);
      await turns();
    };

    beforeEach(() => {
      clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    });

    afterEach(() => {
      clock.restore();
    });

    it('is left for another that waits, and visited again after it', async () => {
      adoption.startRound();
      await turns();
      await passVisit();
      assert.deepEqual(
        deliveries.map(({ number, isClosed }) => [number, isClosed]),
        [
          [0, true],
          [1, false],
        ],
      );
      orphans = [0];
      await passVisit();
      assert.equal(deliveries[1]?.isClosed, true);
      adoption.startRound();
      await turns();
      assert.equal(deliveries[2]?.number, 0);
    });

    it('is not left if no other waits', async () => {
      orphans = [0];
      adoption.startRound();
      await turns();
      await passVisit();
      assert.equal(adoption.current, deliveries[0]);
      assert.equal(deliveries[0]?.isClosed, false);
      deliveries[0].settle();
      await turns();
      assert.equal(adoption.current, undefined);
    });
  });

  it('closes the current slot when it is stopped', async () => {
    adoption.startRound();
    await turns();
    await adoption.stop();
    assert.equal(deliveries[0]?.isClosed, true);
    await turns();
    assert.equal(deliveries.length, 1);
  });
});
