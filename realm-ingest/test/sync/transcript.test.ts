import assert from 'node:assert/strict';
import { protocolVersions, type ProtocolVersion } from '../../src/protocol/messages.js';
import { bytesOf } from '../support/client-message.js';
import { ClientPeer, closePeers } from '../support/client-peer.js';
import { MemoryPipeline } from '../support/memory-pipeline.js';

/** Sync protocol, section 3.3: captured from protocols 9 and 14. */
const schemaChangeset = Buffer.from(
  '3f00045370616e3f01035f6964000002010a003f02046e616d653f0300060002030000',
  'hex',
);
const dataChangeset = Buffer.from('3f00045370616e', 'hex');

const bindOptions = (version: ProtocolVersion): string => {
  if (version < 10) return '';
  return version === 10 ? '{"sessionReason":0}' : '{"schemaVersion":0,"sessionReason":0}';
};

/** How a version writes DOWNLOAD's batch and progress: sections 3.2 and 3.5. */
const bootstrapTail = (version: ProtocolVersion): string => (version <= 11 ? '1 0' : '1 1');
const steadyTail = (version: ProtocolVersion): string =>
  version <= 11 ? '1 0' : version === 14 ? '2 1' : '1 1';

/** Plays one side's lines against a connection and compares the other side's, whole and byte by byte. */
async function play(
  peer: ClientPeer,
  steps: readonly { readonly client: readonly Uint8Array[]; readonly server: readonly string[] }[],
): Promise<void> {
  for (const [index, { client, server }] of steps.entries()) {
    await peer.send(...client);
    assert.deepEqual(peer.answers(), server, `step ${index}`);
  }
}

describe('transcripts of the sync protocol', () => {
  afterEach(closePeers);

  for (const version of protocolVersions) {
    it(`protocol ${version}: a fresh file, everything in order (section 4.1)`, async () => {
      const peer = new ClientPeer({ version });
      const options = bindOptions(version);
      await play(peer, [
        {
          client: [bytesOf(`bind 1 ${options.length} 0 1 0\n${options}`)],
          server: ['ident 1 77 123456\n'],
        },
        {
          client: [bytesOf('ident 1 77 123456 0 0 0 0 0 2\n{}')],
          server: [`download 1 1 0 1 999 0 0 0 ${bootstrapTail(version)} 0 12 0\n1 0 0 1 0 0 `],
        },
        { client: [bytesOf('mark 1 2\n')], server: ['mark 1 2\n'] },
        { client: [bytesOf('upload 1 0 0 0 8 1 1\n')], server: [] },
        {
          client: [bytesOf('upload 1 0 58 0 10 1 1\n', '10 1 375318178868 0 35 ', schemaChangeset)],
          server: [`download 1 1 10 1 999 10 1 0 ${steadyTail(version)} 0 0 0\n`],
        },
        {
          client: [bytesOf('upload 1 0 29 0 11 1 1\n', '11 1 375318178868 0 7 ', dataChangeset)],
          server: [`download 1 1 11 1 999 11 1 0 ${steadyTail(version)} 0 0 0\n`],
        },
        { client: [bytesOf('upload 1 0 0 0 13 1 1\n')], server: [] },
        { client: [bytesOf('ping 4711 0\n')], server: ['pong 4711\n'] },
        { client: [bytesOf('unbind 1\n')], server: ['unbound 1\n'] },
      ]);
      assert.deepEqual(peer.pipeline.commits, [[10n], [11n]]);
      assert.deepEqual(peer.pipeline.files.get(77n), {
        ident: 77n,
        salt: 123456n,
        userId: 'user-1',
        clientVersion: 11n,
        serverVersion: 1n,
      });
      assert.deepEqual(peer.counted, ['acknowledged 1', 'acknowledged 1']);
    });
  }

  it('a client comes back and goes on where it was (section 6.1)', async () => {
    const pipeline = new MemoryPipeline();
    pipeline.files.set(77n, {
      ident: 77n,
      salt: 123456n,
      userId: 'user-1',
      clientVersion: 11n,
      serverVersion: 1n,
    });
    const peer = new ClientPeer({ pipeline });
    await play(peer, [
      { client: [bytesOf('bind 1 0 0 0 0\n')], server: [] },
      { client: [bytesOf('ident 1 77 123456 1 11 1 999 0 2\n{}')], server: [] },
      { client: [bytesOf('mark 1 2\n')], server: ['mark 1 2\n'] },
      {
        client: [bytesOf('upload 1 0 22 0 13 1 1\n', '13 1 375318178868 0 0 ')],
        server: ['download 1 1 13 1 999 13 1 0 2 1 0 0 0\n'],
      },
    ]);
    assert.deepEqual(peer.logger.lines, []);
    assert.deepEqual(peer.counted, ['acknowledged 1']);
  });

  it('a fast reconnect: everything at once, uploads right behind IDENT and no MARK', async () => {
    const peer = new ClientPeer();
    await peer.send(
      bytesOf('bind 2 0 0 0 0\n'),
      bytesOf('ident 2 77 123456 1 0 1 999 0 2\n{}'),
      bytesOf('upload 2 0 22 0 10 1 1\n', '10 1 375318178868 0 0 '),
      bytesOf('upload 2 0 22 0 11 1 1\n', '11 1 375318178868 0 0 '),
    );
    assert.equal(peer.answers().at(-1), 'download 2 1 11 1 999 11 1 0 2 1 0 0 0\n');
    assert.deepEqual(peer.pipeline.commits.flat(), [10n, 11n]);
  });

  it('a client reset: bootstrap, QUERY, bootstrap for its version, MARK (section 6.3)', async () => {
    const peer = new ClientPeer();
    await peer.send(
      bytesOf('bind 1 19 0 1 0\n{"sessionReason":1}'),
      bytesOf('ident 1 77 123456 0 0 0 0 0 2\n{}'),
    );
    peer.answers();
    await play(peer, [
      {
        client: [bytesOf('query 1 1 2\n{}'), bytesOf('mark 1 3\n')],
        server: ['download 1 1 0 1 999 0 0 1 1 1 0 12 0\n1 0 0 1 0 0 ', 'mark 1 3\n'],
      },
      { client: [bytesOf('unbind 1\n')], server: ['unbound 1\n'] },
      { client: [bytesOf('bind 1 0 0 0 0\n')], server: [] },
    ]);
  });

  it('QUERY after uploads: the changeset of its bootstrap stands at the client version acknowledged', async () => {
    const peer = new ClientPeer();
    await peer.send(bytesOf('bind 1 0 0 0 0\n'), bytesOf('ident 1 77 123456 0 0 0 0 0 2\n{}'));
    await peer.send(bytesOf('upload 1 0 22 0 10 1 1\n', '10 1 375318178868 0 0 '));
    peer.answers();
    await play(peer, [
      {
        client: [bytesOf('query 1 1 2\n{}')],
        server: ['download 1 1 10 1 999 10 1 1 1 1 0 13 0\n1 10 0 1 0 0 '],
      },
      {
        client: [bytesOf('upload 1 0 22 0 12 1 1\n', '12 1 375318178868 0 0 ')],
        server: ['download 1 1 12 1 999 12 1 1 2 1 0 0 0\n'],
      },
    ]);
  });
});
