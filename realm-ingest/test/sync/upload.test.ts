import assert from 'node:assert/strict';
import sinon from 'sinon';
import type { SyncLimits } from '../../src/sync/sync-limits.js';
import * as client from '../support/client-message.js';
import { ClientPeer, closePeers, settle } from '../support/client-peer.js';
import type { MemoryPipeline } from '../support/memory-pipeline.js';
import { broken, unavailable } from '../support/memory-pipeline.js';

const upload = (...versions: number[]): Uint8Array =>
  client.upload({
    changesets: versions.map((clientVersion) => ({
      clientVersion,
      bytes: Buffer.from(`<${clientVersion}>`),
    })),
  });

const acknowledgement = (version: number): string =>
  `download 1 1 ${version} 1 999 ${version} 1 0 2 1 0 0 0\n`;

/** A peer whose session 1 may upload. */
async function identifiedPeer(
  options: { pipeline?: MemoryPipeline; limits?: Partial<SyncLimits> } = {},
): Promise<ClientPeer> {
  const peer = new ClientPeer(options);
  await peer.send(client.bind({ needFileIdent: false }), client.ident({ fileIdent: 77, salt: 123456 }));
  peer.answers();
  return peer;
}

describe('uploads', () => {
  afterEach(closePeers);

  it('are acknowledged only once they are committed', async () => {
    const peer = await identifiedPeer();
    const goOn = peer.pipeline.holdUp();
    await peer.send(upload(10));
    assert.deepEqual(peer.answers(), []);
    goOn();
    await settle();
    assert.deepEqual(peer.answers(), [acknowledgement(10)]);
    assert.equal(peer.unreleased, 0);
  });

  it('without changesets are never answered', async () => {
    const peer = await identifiedPeer();
    await peer.send(client.upload({ progressClientVersion: 90 }));
    assert.deepEqual(peer.answers(), []);
    assert.equal(peer.pipeline.attempts, 0);
    assert.equal(peer.unreleased, 0);
  });

  it('that arrive during a commit are committed and acknowledged together, in order', async () => {
    const peer = await identifiedPeer();
    const goOn = peer.pipeline.holdUp();
    await peer.send(upload(10), upload(11), upload(13, 14), upload(20));
    assert.equal(peer.pipeline.attempts, 1);
    goOn();
    await settle();
    assert.deepEqual(peer.pipeline.commits, [[10n], [11n, 13n, 14n, 20n]]);
    assert.deepEqual(peer.answers(), [acknowledgement(10), acknowledgement(20)]);
  });

  it('are committed together only up to maxCommitBytes; a larger one goes alone', async () => {
    const bytes = client.uploadBody([{ clientVersion: 11, bytes: Buffer.from('<11>') }]).length;
    const peer = await identifiedPeer({ limits: { maxCommitBytes: 2 * bytes } });
    const goOn = peer.pipeline.holdUp();
    await peer.send(upload(10), upload(11), upload(12), upload(13), upload(14, 15, 16), upload(17));
    goOn();
    await settle();
    assert.deepEqual(peer.pipeline.commits, [[10n], [11n, 12n], [13n], [14n, 15n, 16n], [17n]]);
  });

  it('are inflated, and acknowledged like others', async () => {
    const peer = await identifiedPeer();
    const bytes = Buffer.alloc(100_000, 'x');
    await peer.send(client.upload({ changesets: [{ clientVersion: 10, bytes }], compress: true }));
    await waitFor(() => peer.sent.length > 1);
    assert.deepEqual(peer.answers(), [acknowledgement(10)]);
    assert.deepEqual([...peer.pipeline.stored.keys()], [bytes.toString('latin1')]);
  });

  it('with versions acknowledged already are stored, and not acknowledged again', async () => {
    const peer = await identifiedPeer();
    await peer.send(upload(20));
    await peer.send(upload(10));
    assert.deepEqual(peer.answers(), [acknowledgement(20)]);
    assert.deepEqual(peer.pipeline.commits, [[20n], [10n]]);
  });

  it('whose versions do not rise end the connection with 111; what came before is committed and acknowledged', async () => {
    for (const versions of [[12, 12], [13, 12], [0]]) {
      const peer = await identifiedPeer();
      const goOn = peer.pipeline.holdUp();
      await peer.send(upload(10), upload(11), upload(...versions));
      goOn();
      await settle();
      assert.deepEqual(peer.pipeline.commits, [[10n], [11n]]);
      const answers = peer.received();
      assert.deepEqual(
        answers.map(({ type, fields }) => [type, fields[0], fields.at(-1)]),
        [
          ['download', '1', '0'],
          ['download', '1', '0'],
          ['json_error', '111', '0'],
        ],
      );
      assert.equal(peer.ended, 'ended');
      assert.equal(peer.unreleased, 0);
    }
  });

  it('that do not inflate end the connection with 110', async () => {
    const peer = await identifiedPeer();
    const body = Buffer.alloc(2000, 'x');
    await peer.send(client.upload({ body, compress: true, uncompressedSize: 1999 }));
    await waitFor(() => peer.ended !== undefined);
    assert.deepEqual(
      peer.received().map(({ fields }) => [fields[0], fields[2]]),
      [['110', '0']],
    );
    assert.equal(peer.pipeline.attempts, 0);
  });

  it('of one session wait for their own commits only', async () => {
    const peer = await identifiedPeer();
    await peer.send(client.bind({ session: 2 }), client.ident({ session: 2, fileIdent: 78, salt: 123456 }));
    peer.answers();
    const goOn = peer.pipeline.holdUp();
    await peer.send(upload(10));
    await peer.send(client.mark(5, 2), client.mark(6, 1));
    assert.deepEqual(peer.answers(), ['mark 2 5\n', 'mark 1 6\n']);
    goOn();
  });

  describe('when the session ends meanwhile', () => {
    it('UNBIND is answered at once, nothing is acknowledged after it, and all is committed', async () => {
      const peer = await identifiedPeer();
      const goOn = peer.pipeline.holdUp();
      await peer.send(upload(10), upload(11), client.unbind());
      assert.deepEqual(peer.answers(), ['unbound 1\n']);
      await peer.send(client.bind({ needFileIdent: false }));
      goOn();
      await settle();
      assert.deepEqual(peer.answers(), []);
      assert.deepEqual(peer.pipeline.commits, [[10n], [11n]]);
      assert.equal(peer.unreleased, 0);
    });

    it('a connection that ends leaves what was uploaded to be committed', async () => {
      const peer = await identifiedPeer();
      const goOn = peer.pipeline.holdUp();
      await peer.send(upload(10), upload(11));
      peer.connection.end();
      let idle = false;
      void peer.connection.idle().then(() => (idle = true));
      await settle();
      assert.equal(idle, false);
      goOn();
      await settle();
      assert.equal(idle, true);
      assert.deepEqual(peer.pipeline.commits, [[10n], [11n]]);
    });

    it('a commit that fails then is not repeated', async () => {
      const peer = await identifiedPeer();
      peer.pipeline.failure = unavailable();
      await peer.send(upload(10));
      peer.connection.end();
      await peer.connection.idle();
      assert.equal(peer.pipeline.attempts, 1);
      assert.equal(peer.unreleased, 0);
    });
  });

  describe('when the store cannot take them', () => {
    let clock: sinon.SinonFakeTimers;
    beforeEach(() => {
      clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    });
    afterEach(() => {
      clock.restore();
    });

    const pass = async (millis: number): Promise<void> => {
      await clock.tickAsync(millis);
      await settle();
    };

    it('reading stops, the commit is retried, and everything goes on', async () => {
      const peer = await identifiedPeer();
      peer.pipeline.failure = unavailable();
      await peer.send(upload(10));
      assert.equal(peer.paused, true);
      await pass(10_000);
      assert.ok(peer.pipeline.attempts > 3, `${peer.pipeline.attempts} attempts`);
      assert.deepEqual(peer.answers(), []);
      peer.pipeline.failure = undefined;
      await pass(5000);
      assert.equal(peer.paused, false);
      assert.deepEqual(peer.answers(), [acknowledgement(10)]);
      await pass(60_000);
      assert.deepEqual(peer.answers(), []);
    });

    it('for 20 s, the session is sent away with a jittered back-off, and reading goes on', async () => {
      const intervals = new Set<unknown>();
      for (let run = 0; run < 20; run += 1) {
        const peer = await identifiedPeer();
        peer.pipeline.failure = unavailable();
        await peer.send(upload(10), upload(11));
        await pass(19_999);
        assert.equal(peer.paused, true);
        assert.deepEqual(peer.answers(), []);
        await pass(1);
        assert.equal(peer.paused, false);
        const [error, ...more] = peer.received();
        assert.deepEqual(more, []);
        assert.deepEqual([error?.type, error?.fields[0], error?.fields[2]], ['json_error', '201', '1']);
        assert.equal(error?.json?.action, 'Transient');
        assert.equal(error.json.tryAgain, true);
        assert.equal(error.json.backoffMultiplier, 2);
        intervals.add(error.json.backoffIntervalSec);

        peer.pipeline.failure = undefined;
        await pass(60_000);
        assert.deepEqual(peer.answers(), [], 'silence after an error');
        assert.deepEqual(peer.pipeline.commits, []);
        assert.equal(peer.unreleased, 0);

        await peer.send(client.unbind(), client.bind({ needFileIdent: false }));
        await peer.send(client.ident({ fileIdent: 77, salt: 123456 }), upload(10, 11));
        assert.equal(peer.answers().at(-1), acknowledgement(11));
      }
      assert.ok(intervals.size > 3, [...intervals].join());
      for (const interval of intervals) assert.ok(Number(interval) >= 5 && Number(interval) <= 20);
    });

    it('for good, the session is sent away for longer, and it is logged as an error', async () => {
      const peer = await identifiedPeer();
      peer.pipeline.failure = broken();
      await peer.send(upload(10));
      const [error] = peer.received();
      assert.deepEqual([error?.fields[0], error?.json?.action], ['201', 'Transient']);
      assert.ok(Number(error?.json?.backoffIntervalSec) >= 60);
      assert.equal(peer.pipeline.attempts, 1);
      assert.equal(peer.logger.at('error').length, 1);
    });

    it('if files cannot be looked up, clients are held back and sent away in the same way', async () => {
      const peer = new ClientPeer();
      peer.pipeline.failure = unavailable();
      await peer.send(client.bind({ needFileIdent: false }), client.ident({ fileIdent: 77, salt: 123456 }));
      await peer.send(client.mark(2), upload(10));
      assert.equal(peer.paused, true);
      await pass(20_000);
      assert.deepEqual(
        peer.received().map(({ fields }) => fields[0]),
        ['201'],
      );
      assert.equal(peer.paused, false);
      assert.equal(peer.unreleased, 0);
    });

    it('fast enough, reading stops while more waits than fits into a commit, and goes on afterwards', async () => {
      const bytes = client.uploadBody([{ clientVersion: 11, bytes: Buffer.from('<11>') }]).length;
      const peer = await identifiedPeer({ limits: { maxCommitBytes: 2 * bytes } });
      const goOn = peer.pipeline.holdUp();
      await peer.send(upload(10), upload(11), upload(12));
      assert.equal(peer.paused, false);
      await peer.send(upload(13));
      assert.equal(peer.paused, true);
      await pass(19_000);
      goOn();
      await settle();
      assert.equal(peer.paused, false);
      await pass(60_000);
      assert.deepEqual(peer.answers(), [acknowledgement(10), acknowledgement(12), acknowledgement(13)]);
    });

    it('within 20 s, a commit that ends later is not acknowledged', async () => {
      const peer = await identifiedPeer({ limits: { maxQueuedMessages: 1 } });
      const goOn = peer.pipeline.holdUp();
      await peer.send(upload(10), upload(11), upload(12));
      await pass(20_000);
      assert.deepEqual(
        peer.received().map(({ fields }) => fields[0]),
        ['201'],
      );
      goOn();
      await settle();
      assert.deepEqual(peer.answers(), []);
      assert.deepEqual(peer.pipeline.commits, [[10n]], 'what waited is dropped, and comes again');
      assert.equal(peer.unreleased, 0);
    });

    it('within 20 s, though parts of it are stored, the session is given more time, up to 90 s in all', async () => {
      for (const [stepMillis, steps, sentAway] of [
        [15_000, 5, false],
        [15_000, 6, true],
        [20_001, 1, true],
      ] as const) {
        const peer = await identifiedPeer({ limits: { maxQueuedMessages: 1 } });
        const goOn = peer.pipeline.holdUp();
        await peer.send(upload(10), upload(11), upload(12));
        for (let step = 0; step < steps; step += 1) {
          assert.equal(peer.paused, true);
          await pass(stepMillis);
          peer.pipeline.progress();
        }
        assert.equal(peer.paused, !sentAway);
        goOn();
        await settle();
        assert.equal(peer.received()[0]?.type, sentAway ? 'json_error' : 'download');
      }
    });

    it('because there is no room to inflate them, clients are held back, then sent away', async () => {
      const peer = await identifiedPeer();
      peer.room = new Promise(() => undefined);
      const bytes = Buffer.alloc(5000, 'x');
      await peer.send(client.upload({ changesets: [{ clientVersion: 10, bytes }], compress: true }));
      assert.equal(peer.paused, true);
      await pass(20_000);
      assert.deepEqual(
        peer.received().map(({ fields }) => fields[0]),
        ['201'],
      );
      assert.equal(peer.paused, false);
      assert.equal(peer.unreleased, 0);
    });

    it('until there is room to inflate them, they go on then', async () => {
      const peer = await identifiedPeer();
      let grant = (): void => undefined;
      peer.room = new Promise((resolve) => {
        grant = resolve;
      });
      const bytes = Buffer.alloc(5000, 'x');
      await peer.send(client.upload({ changesets: [{ clientVersion: 10, bytes }], compress: true }));
      assert.equal(peer.paused, true);
      grant();
      await settle();
      assert.equal(peer.paused, false);
      assert.deepEqual(peer.answers(), [acknowledgement(10)]);
    });

    it('a look-up that takes long stops reading once too many messages wait', async () => {
      const peer = new ClientPeer({ limits: { maxQueuedMessages: 2 } });
      const goOn = peer.pipeline.holdUp();
      await peer.send(client.bind({ needFileIdent: false }), client.ident({ fileIdent: 77, salt: 123456 }));
      await peer.send(upload(10), upload(11));
      assert.equal(peer.paused, false);
      await peer.send(upload(12));
      assert.equal(peer.paused, true);
      goOn();
      await settle();
      assert.equal(peer.paused, false);
      assert.equal(peer.answers().at(-1), acknowledgement(12));
    });
  });
});

/** Polls until something holds; inflating takes a thread's time. */
async function waitFor(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('it did not come true within 15 s');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
