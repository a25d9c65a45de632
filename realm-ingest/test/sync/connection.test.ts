import assert from 'node:assert/strict';
import sinon from 'sinon';
import { protocolVersions } from '../../src/protocol/messages.js';
import { SyncError } from '../../src/sync/sync-error.js';
import * as client from '../support/client-message.js';
import { ClientPeer, closePeers, settle } from '../support/client-peer.js';
import { MemoryPipeline } from '../support/memory-pipeline.js';

/** Opens sessions, and throws away what that answered. */
async function open(peer: ClientPeer, ...sessions: number[]): Promise<void> {
  for (const session of sessions) {
    await peer.send(
      client.bind({ session, needFileIdent: false }),
      client.ident({ session, fileIdent: 70 + session, salt: 123456 }),
    );
  }
  peer.answers();
}

const upload = (session: number, clientVersion: number): Uint8Array =>
  client.upload({ session, changesets: [{ clientVersion }] });

/** The clock, the timers' end of it only. */
function fakeTimers(): sinon.SinonFakeTimers {
  return sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
}

describe('connection', () => {
  afterEach(closePeers);

  describe('with malformed messages', () => {
    for (const [what, code, bytes] of [
      ['an unknown type', 102, client.bytesOf('hello 1\n')],
      ['the test command, which no SDK sends', 102, client.bytesOf('test_command 1 1 2\n{}')],
      ['no line feed', 103, client.bytesOf('mark 1 2')],
      ['bytes left over', 103, client.bytesOf('mark 1 2\nx')],
      ['nothing', 103, client.bytesOf('')],
      ['session 0', 103, client.bind({ session: 0 })],
    ] as const) {
      it(`${what}: connection error ${code}, and the end`, async () => {
        const peer = new ClientPeer();
        await peer.send(bytes);
        const [error, ...more] = peer.received();
        assert.deepEqual(more, []);
        assert.deepEqual([error?.fields[0], error?.fields[2]], [String(code), '0']);
        assert.equal(error?.json?.action, 'ProtocolViolation');
        assert.equal(error.json.tryAgain, false);
        assert.equal(peer.ended, 'ended');
        assert.equal(peer.unreleased, 0);
        await peer.send(client.ping(1), client.bind());
        assert.deepEqual(peer.answers(), [], 'nothing is taken any more');
      });
    }
  });

  it('an error of one session leaves the others alone', async () => {
    const peer = new ClientPeer();
    await open(peer, 1, 2);
    await peer.send(
      client.clientError(112, 'bad changeset', 1),
      upload(1, 10),
      upload(2, 10),
      client.mark(3, 2),
    );
    assert.deepEqual(
      peer.received().map(({ type, fields }) => [type, type === 'json_error' ? fields[2] : fields[0]]),
      [
        ['json_error', '1'],
        ['mark', '2'],
        ['download', '2'],
      ],
    );
    assert.equal(peer.pipeline.files.has(71n), false);
  });

  it('an upload whose inflated size is above the limit: session error 201 that names the option', async () => {
    const peer = new ClientPeer({ limits: { maxMessageBytes: 5000 } });
    await open(peer, 1, 2);
    const body = Buffer.alloc(5001, 'x');
    await peer.send(client.upload({ body, compress: true }), client.mark(3, 2), client.mark(3, 1));
    const [error, ...more] = peer.received();
    assert.deepEqual([error?.type, error?.fields[0], error?.fields[2]], ['json_error', '201', '1']);
    assert.equal(error?.json?.action, 'ApplicationBug');
    assert.equal(error.json.tryAgain, false);
    assert.match(String(error.json.message), /5001 bytes.*--max-message-bytes is 5000/);
    assert.deepEqual(
      more.map(({ type, fields }) => [type, ...fields]),
      [['mark', '2', '3']],
    );
    assert.match(JSON.stringify(peer.logger.at('error').map(({ message }) => message)), /session ended/);
    await peer.send(client.upload({ body, compress: true }));
    assert.deepEqual(peer.answers(), [], 'and nothing more, however often it is sent');
    assert.equal(peer.unreleased, 0);
  });

  it('sessions above the limit: connection error 101 with a back-off', async () => {
    const peer = new ClientPeer({ limits: { maxSessionsPerConnection: 2 } });
    await peer.send(client.bind({ session: 1 }), client.bind({ session: 2 }), client.bind({ session: 3 }));
    const error = peer.received().at(-1);
    assert.deepEqual([error?.fields[0], error?.fields[2]], ['101', '0']);
    assert.equal(error?.json?.action, 'Transient');
    assert.equal(peer.ended, 'ended');
  });

  it('sessions that are over count while they commit', async () => {
    const peer = new ClientPeer({ limits: { maxSessionsPerConnection: 2 } });
    await open(peer, 1);
    const goOn = peer.pipeline.holdUp();
    await peer.send(
      upload(1, 10),
      client.unbind(1),
      client.bind({ session: 1 }),
      client.bind({ session: 2 }),
    );
    assert.equal(peer.ended, 'ended');
    goOn();
    await settle();
    assert.deepEqual(peer.pipeline.commits, [[10n]]);
  });

  it('an ident is used again after UNBIND', async () => {
    const peer = new ClientPeer();
    for (let round = 0; round < 3; round += 1) {
      await open(peer, 1);
      await peer.send(client.unbind(1));
      assert.deepEqual(peer.answers(), ['unbound 1\n']);
    }
  });

  it('a client that does not read is terminated', async () => {
    const peer = new ClientPeer({ limits: { maxOutgoingBytes: 1000 } });
    peer.outgoingBytes = 1000;
    await peer.send(client.ping(1));
    assert.equal(peer.ended, undefined);
    peer.outgoingBytes = 1001;
    await peer.send(client.ping(2));
    assert.equal(peer.ended, 'terminated');
  });

  it('a fault of the server: connection error 101; only the log has the particulars', async () => {
    const pipeline = new MemoryPipeline();
    pipeline.saltOf = () => {
      throw new Error('a secret particular');
    };
    const peer = new ClientPeer({ pipeline });
    await peer.send(client.bind());
    const [error] = peer.received();
    assert.deepEqual([error?.fields[0], error?.json?.action], ['101', 'Transient']);
    assert.doesNotMatch(JSON.stringify(error), /secret/);
    assert.match(String((peer.logger.at('error')[0]?.fields as { err: unknown }).err), /a secret particular/);
  });

  describe('with a client that is gone', () => {
    let clock: sinon.SinonFakeTimers;
    beforeEach(() => {
      clock = fakeTimers();
    });
    afterEach(() => {
      clock.restore();
    });

    it('ends after 150 s of silence', () => {
      const peer = new ClientPeer();
      clock.tick(149_999);
      peer.connection.noteActivity();
      clock.tick(149_999);
      assert.equal(peer.ended, undefined);
      clock.tick(1);
      assert.equal(peer.ended, 'terminated');
    });

    it('does not count the time in which it is not read', () => {
      const peer = new ClientPeer();
      peer.connection.pause('test');
      clock.tick(1_000_000);
      peer.connection.resume('test');
      clock.tick(149_999);
      assert.equal(peer.ended, undefined);
      clock.tick(1);
      assert.equal(peer.ended, 'terminated');
    });
  });

  it('reads again only when every reason is resumed', () => {
    const peer = new ClientPeer();
    peer.connection.pause('a');
    peer.connection.pause('b');
    peer.connection.resume('a');
    assert.equal(peer.paused, true);
    peer.connection.resume('b');
    assert.equal(peer.paused, false);
  });

  describe('at shutdown', () => {
    for (const version of protocolVersions) {
      const told =
        version === 7 ? 'is not told, since it would stay away for minutes' : 'is told to come back soon';
      it(`a client of protocol ${version} ${told}`, async () => {
        const peer = new ClientPeer({ version });
        await open(peer, 1);
        await peer.connection.drain();
        peer.connection.fail(new SyncError('sync-shutdown', 'come back in a moment'));
        const errors = peer.received();
        assert.equal(peer.ended, 'ended');
        if (version === 7) {
          assert.deepEqual(errors, []);
          return;
        }
        assert.deepEqual(
          errors.map(({ fields }) => [fields[0], fields[2]]),
          [['101', '0']],
        );
        const json = errors[0]?.json;
        assert.equal(json?.action, 'Transient');
        assert.ok(Number(json.backoffIntervalSec) <= 8);
      });
    }

    it('earlier uploads are committed and acknowledged first; later ones are not accepted', async () => {
      const peer = new ClientPeer();
      await open(peer, 1);
      const goOn = peer.pipeline.holdUp();
      await peer.send(upload(1, 10), upload(1, 11));
      let drained = false;
      void peer.connection.drain().then(() => (drained = true));
      assert.equal(peer.paused, true);
      await peer.send(upload(1, 12), client.bind({ session: 2 }));
      assert.equal(drained, false);
      goOn();
      await settle();
      assert.equal(drained, true);
      assert.deepEqual(
        peer.received().map(({ fields }) => fields[2]),
        ['10', '11'],
      );
      assert.deepEqual(peer.pipeline.commits, [[10n], [11n]]);
      assert.equal(peer.unreleased, 0);
    });

    it('abandoned, it begins no further commit', async () => {
      const peer = new ClientPeer();
      await open(peer, 1);
      const goOn = peer.pipeline.holdUp();
      await peer.send(upload(1, 10), upload(1, 11));
      peer.connection.abandon();
      goOn();
      await peer.connection.idle();
      assert.deepEqual(peer.pipeline.commits, [[10n]]);
      assert.deepEqual(peer.answers(), []);
    });
  });
});
