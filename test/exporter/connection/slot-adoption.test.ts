import assert from 'node:assert/strict';
import { SlotAdoption, type AdoptedSession } from '../../../src/exporter/connection/slot-adoption.js';
import type { Slot, SlotStore } from '../../../src/exporter/slot/slot.js';

const turns = async () => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

class Session implements AdoptedSession {
  isClosed = false;
  settle!: () => void;
  readonly #settled = new Promise<void>((resolve) => {
    this.settle = resolve;
  });

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
  let orphans: number;
  let sessions: Session[];
  let errors: unknown[];
  let adoption: SlotAdoption<Session>;
  let openSession: (slot: Slot) => Session;

  beforeEach(() => {
    orphans = 2;
    sessions = [];
    errors = [];
    openSession = () => {
      const session = new Session();
      sessions.push(session);
      return session;
    };
    const store: SlotStore = {
      acquire: () => assert.fail('not its business'),
      adopt() {
        if (orphans === 0) return undefined;
        orphans -= 1;
        return {} as Slot;
      },
      sizeBytes: () => 0,
    };
    adoption = new SlotAdoption({
      store,
      openSession: (slot) => openSession(slot),
      onError: (cause) => errors.push(cause),
      onChange: () => undefined,
    });
  });

  afterEach(() => adoption.stop());

  it('sends one orphan after the other, and leaves each when nothing is left in it', async () => {
    adoption.lookAround();
    await turns();
    assert.equal(sessions.length, 1, 'one at a time');
    assert.equal(adoption.session, sessions[0]);
    sessions[0]?.settle();
    await turns();
    assert.equal(sessions[0]?.isClosed, true);
    assert.equal(sessions.length, 2);
    sessions[1]?.settle();
    await turns();
    assert.equal(adoption.session, undefined);
  });

  it('looks again in a later round', async () => {
    orphans = 0;
    adoption.lookAround();
    await turns();
    orphans = 1;
    adoption.lookAround();
    await turns();
    assert.equal(sessions.length, 1);
  });

  it('goes on after a slot was taken from it', async () => {
    adoption.lookAround();
    await turns();
    await adoption.drop();
    await turns();
    assert.equal(sessions[0]?.isClosed, true);
    assert.equal(sessions.length, 2);
  });

  it('reports a slot that cannot be opened, and tries in a later round', async () => {
    const open = openSession;
    openSession = () => {
      throw new Error('wrong key');
    };
    adoption.lookAround();
    await turns();
    assert.equal(errors.length, 1);
    openSession = open;
    adoption.lookAround();
    await turns();
    assert.equal(sessions.length, 1);
  });

  it('closes the slot that it is at when it is stopped', async () => {
    adoption.lookAround();
    await turns();
    await adoption.stop();
    assert.equal(sessions[0]?.isClosed, true);
    await turns();
    assert.equal(sessions.length, 1);
  });
});
