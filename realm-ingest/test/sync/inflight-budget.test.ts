import assert from 'node:assert/strict';
import sinon from 'sinon';
import {
  InflightBudget,
  messageOverheadBytes,
  type BudgetAccount,
  type MessageAllocation,
} from '../../src/sync/inflight-budget.js';

const stallMillis = 20_000;

/** A connection as the budget sees it. */
class Member {
  paused = false;
  stalled = false;
  readonly account: BudgetAccount;

  constructor(budget: InflightBudget) {
    this.account = budget.createAccount({
      pause: () => {
        this.paused = true;
      },
      resume: () => {
        this.paused = false;
      },
      fail: (error) => {
        assert.equal(error.code, 'sync-overload');
        this.stalled = true;
      },
    });
  }

  /** Some bytes of a message. */
  part(bytes: number): void {
    this.account.receive(bytes);
  }

  /** A whole message. */
  message(bytes: number): MessageAllocation {
    this.part(bytes);
    return this.account.complete();
  }
}

/** A budget that is large compared to the overhead. */
const budgetOf = (maxBytes: number): InflightBudget =>
  new InflightBudget({ maxInflightBytes: maxBytes, holdBackMillis: stallMillis }, {});
const megabyte = 1e6;

describe('in-flight budget', () => {
  let clock: sinon.SinonFakeTimers;
  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    clock.restore();
  });

  it('counts bytes as they arrive, until their message is released', () => {
    const budget = budgetOf(10 * megabyte);
    const member = new Member(budget);
    member.part(1000);
    member.part(500);
    assert.equal(budget.usedBytes, 1500 + messageOverheadBytes);
    const hold = member.account.complete();
    assert.equal(budget.usedBytes, 1500 + messageOverheadBytes);
    member.part(1);
    hold.release();
    hold.release();
    assert.equal(budget.usedBytes, 1 + messageOverheadBytes);
    member.account.close();
    member.account.close();
    assert.equal(budget.usedBytes, 0);
  });

  it('used up, it pauses connections that send more, until bytes are released', () => {
    const budget = budgetOf(10 * megabyte);
    const [a, b, idle] = [new Member(budget), new Member(budget), new Member(budget)];
    const hold = a.message(9.9 * megabyte);
    b.part(megabyte);
    a.part(10);
    assert.deepEqual([a.paused, b.paused, idle.paused], [true, true, false]);
    hold.release();
    assert.deepEqual([a.paused, b.paused], [false, false]);
  });

  it('lets one message finish even if it is larger than the budget', () => {
    const budget = budgetOf(megabyte);
    const member = new Member(budget);
    for (let part = 0; part < 50; part += 1) {
      assert.equal(member.paused, false, `part ${part}`);
      member.part(megabyte / 10);
    }
    const hold = member.account.complete();
    assert.equal(member.paused, true, 'nothing more before it is released');
    hold.release();
    assert.equal(member.paused, false);
    assert.equal(budget.usedBytes, 0);
  });

  it('lets incomplete messages finish one after the other, in the order in which they started', () => {
    const budget = budgetOf(3 * megabyte);
    const members = [new Member(budget), new Member(budget), new Member(budget), new Member(budget)];
    for (const member of members) member.part(megabyte * 0.9);
    // The fourth message used the budget up. One connection may still go on.
    assert.deepEqual(
      members.map(({ paused }) => paused),
      [false, false, false, false],
    );
    for (const member of members.slice(0, 3)) member.part(megabyte * 0.5);
    assert.deepEqual(
      members.map(({ paused }) => paused),
      [true, true, true, false],
    );

    const order = [3, 0];
    for (const index of order) {
      const member = members[index]!;
      assert.deepEqual(members.map(({ paused }) => paused).indexOf(false), index, `${index} overdraws`);
      member.part(megabyte * 0.3);
      const hold = member.account.complete();
      assert.ok(
        members.every(({ paused }) => paused),
        'everyone waits for its commit',
      );
      hold.release();
    }
    clock.tick(10);
    assert.deepEqual(
      members.map(({ paused }) => paused),
      [false, false, false, false],
    );
  });

  describe('with some room again', () => {
    const kibibyte = 1024;
    const pausedOf = (members: readonly Member[]): boolean[] => members.map(({ paused }) => paused);

    /** Ten connections that have sent 10 KiB of a message, and one whose message holds the rest of the budget. */
    function tenWaiting(roomBytes: number): {
      members: Member[];
      hold: MessageAllocation;
      budget: InflightBudget;
    } {
      const budget = budgetOf(megabyte + roomBytes + 2 * messageOverheadBytes);
      const hold = new Member(budget).message(roomBytes);
      new Member(budget).message(megabyte);
      const members = Array.from({ length: 10 }, () => new Member(budget));
      for (const member of members) member.part(10 * kibibyte);
      assert.ok(members.every(({ paused }) => paused));
      return { members, hold, budget };
    }

    it('resumes as many connections as there is room for, in the order in which their messages started', () => {
      const { members, hold } = tenWaiting(330 * kibibyte);
      hold.release();
      // 230 KiB are free, and each may send 64 KiB before it can be stopped.
      assert.equal(pausedOf(members).indexOf(true), 3);
      assert.ok(members.slice(3).every(({ paused }) => paused));
    });

    it('keeps the order of connections that are paused again within their message', () => {
      const { members, hold, budget } = tenWaiting(330 * kibibyte);
      hold.release();
      const more = new Member(budget).message(400 * kibibyte);
      for (const member of members.slice(0, 3)) member.part(20 * kibibyte);
      assert.ok(members.every(({ paused }) => paused));
      more.release();
      assert.equal(pausedOf(members).indexOf(true), 2, 'the same again');
    });

    it('moves connections whose message is complete to the back', () => {
      const { members, hold } = tenWaiting(330 * kibibyte);
      const [first] = members;
      const whole = first!.account.complete();
      hold.release();
      assert.deepEqual(pausedOf(members).slice(0, 5), [true, false, false, false, true]);
      whole.release();
      clock.tick(50);
      assert.equal(first!.paused, false);
    });

    it('does not reserve room for long for connections that send nothing', () => {
      const { members, hold } = tenWaiting(330 * kibibyte);
      hold.release();
      clock.tick(40);
      assert.ok(members.every(({ paused }) => !paused));
    });
  });

  it('fails a connection that was paused for 20 s', () => {
    const budget = budgetOf(megabyte);
    const [a, b] = [new Member(budget), new Member(budget)];
    const hold = a.message(2 * megabyte);
    b.part(10);
    clock.tick(stallMillis - 1);
    assert.equal(b.stalled, false);
    clock.tick(1);
    assert.equal(b.stalled, true);
    assert.equal(budget.usedBytes, 2 * megabyte + messageOverheadBytes);
    hold.release();
    assert.equal(budget.usedBytes, 0);
  });

  it('a slow connection overdraws for at most 20 s while others wait', () => {
    const budget = budgetOf(megabyte);
    const slow = new Member(budget);
    slow.part(2 * megabyte);
    clock.tick(10 * stallMillis);
    slow.part(1);
    assert.deepEqual([slow.paused, slow.stalled], [false, false], 'no other connection waits');

    clock.tick(stallMillis / 2);
    const other = new Member(budget);
    other.part(10);
    assert.equal(other.paused, true);
    clock.tick(stallMillis / 2);
    assert.deepEqual([slow.paused, other.paused], [true, false]);
    clock.tick(stallMillis);
    assert.equal(slow.stalled, true, 'its bytes are freed');
    assert.deepEqual([other.paused, other.stalled], [false, false]);
    other.account.complete().release();
    assert.equal(budget.usedBytes, 0);
  });

  it('lets the next connection overdraw when the one that does closes', () => {
    const budget = budgetOf(megabyte);
    const [a, b] = [new Member(budget), new Member(budget)];
    a.part(2 * megabyte);
    b.part(2 * megabyte);
    assert.deepEqual([a.paused, b.paused], [false, true]);
    a.account.close();
    assert.equal(b.paused, false);
  });

  describe('the inflated size of a message', () => {
    it('is granted at once if there is room', () => {
      const budget = budgetOf(10 * megabyte);
      const hold = new Member(budget).message(1000);
      assert.equal(hold.grow(5 * megabyte), undefined);
      assert.equal(budget.usedBytes, 5 * megabyte + 1000 + messageOverheadBytes);
      hold.release();
      assert.equal(budget.usedBytes, 0);
    });

    it('is granted one message at a time if there is no room, and no connection is read meanwhile', async () => {
      const budget = budgetOf(megabyte);
      const holds = [1, 2, 3].map(() => new Member(budget).message(100));
      const granted: number[] = [];
      for (const [index, hold] of holds.entries()) {
        void Promise.resolve(hold.grow(5 * megabyte)).then(() => granted.push(index));
      }
      await Promise.resolve();
      assert.deepEqual(granted, [0]);
      const reader = new Member(budget);
      reader.part(10);
      assert.equal(reader.paused, true);
      for (const index of [0, 1, 2]) {
        assert.ok(budget.usedBytes < 6 * megabyte, 'one at a time');
        holds[index]!.release();
        await Promise.resolve();
        await Promise.resolve();
        assert.deepEqual(granted, [0, 1, 2].slice(0, index + 2));
      }
      assert.equal(reader.paused, false);
      reader.account.close();
      assert.equal(budget.usedBytes, 0);
    });

    it('is forgotten when the message that waits for it is released', async () => {
      const budget = budgetOf(megabyte);
      const [first, second, third] = [1, 2, 3].map(() => new Member(budget).message(100));
      void first!.grow(5 * megabyte);
      const waiting = second!.grow(5 * megabyte);
      second!.release();
      await waiting;
      const next = third!.grow(5 * megabyte);
      first!.release();
      await next;
      third!.release();
      assert.equal(budget.usedBytes, 0);
    });
  });
});
