import assert from 'node:assert/strict';
import { Acknowledgements } from '../../src/sync/acknowledgements.js';
import type { NativeSession } from '../../src/realm/realm-types.js';

/** A session whose server answers when the test says so. */
class Session {
  readonly waits: { resolve: () => void; reject: (reason: unknown) => void }[] = [];

  uploadAllLocalChanges(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waits.push({ resolve, reject });
    });
  }
}

const use = (acknowledgements: Acknowledgements, session: Session | undefined): void => {
  acknowledgements.use(session as unknown as NativeSession | undefined);
};
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('Acknowledgements', () => {
  let session: Session;
  let acknowledgements: Acknowledgements;
  let acknowledged: number[];

  beforeEach(() => {
    session = new Session();
    acknowledged = [];
    acknowledgements = new Acknowledgements({ acknowledged: (records) => acknowledged.push(records) });
  });

  it('counts records that were committed before a wait began, and waits again for the rest', async () => {
    use(acknowledgements, session);
    acknowledgements.add(2, 20);
    acknowledgements.add(3, 30);
    assert.equal(session.waits.length, 1, 'one wait at a time');
    session.waits[0]?.resolve();
    await turn();
    assert.deepEqual(acknowledged, [2]);
    assert.equal(acknowledgements.pending, 3);
    assert.equal(acknowledgements.pendingBytes, 30);
    session.waits[1]?.resolve();
    await turn();
    assert.deepEqual(acknowledged, [2, 3]);
    assert.equal(acknowledgements.pendingBytes, 0);
    assert.ok(acknowledgements.isSettled);
  });

  it('does not treat a failed wait as an acknowledgement, and waits again at retry()', async () => {
    use(acknowledgements, session);
    acknowledgements.add(1, 10);
    session.waits[0]?.reject({ isOk: false });
    await turn();
    assert.equal(acknowledgements.pending, 1);
    assert.equal(session.waits.length, 1, 'not in a loop');
    acknowledgements.retry();
    session.waits[1]?.resolve();
    await turn();
    assert.equal(acknowledgements.pending, 0);
  });

  it('ignores the answer of an earlier session', async () => {
    use(acknowledgements, session);
    acknowledgements.add(1, 10);
    use(acknowledgements, undefined);
    session.waits[0]?.resolve();
    await turn();
    assert.equal(acknowledgements.pending, 1);
  });

  it('survives a session that throws', () => {
    acknowledgements.add(1, 10);
    acknowledgements.use({
      uploadAllLocalChanges() {
        throw new Error('This SyncSession is no longer valid');
      },
    } as never);
    assert.equal(acknowledgements.pending, 1);
  });

  it('is not settled until a server has confirmed that nothing of an earlier process is left', async () => {
    acknowledgements.inherit(0, 0);
    assert.equal(acknowledgements.isSettled, false);
    let isSettled = false;
    void acknowledgements.settled().then(() => (isSettled = true));
    use(acknowledgements, session);
    await turn();
    assert.equal(isSettled, false);
    session.waits[0]?.resolve();
    await turn();
    assert.equal(isSettled, true);
  });

  it('returns how many records are lost with a file', async () => {
    acknowledgements.add(4, 40);
    const settled = acknowledgements.settled();
    assert.equal(acknowledgements.forget(), 4);
    await settled;
    assert.ok(acknowledgements.isSettled);
  });
});
