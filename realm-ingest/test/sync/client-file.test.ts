import assert from 'node:assert/strict';
import { AdoptedFiles } from '../../src/sync/adopted-files.js';
import type { ClientFile } from '../../src/store/store.js';
import * as client from '../support/client-message.js';
import { ClientPeer, closePeers } from '../support/client-peer.js';
import { MemoryPipeline } from '../support/memory-pipeline.js';

const row = (changes: Partial<ClientFile> = {}): ClientFile => ({
  ident: 77n,
  salt: 123456n,
  userId: 'user-1',
  clientVersion: 11n,
  serverVersion: 1n,
  ...changes,
});

function hostWith(file?: ClientFile): MemoryPipeline {
  const pipeline = new MemoryPipeline();
  if (file !== undefined) pipeline.files.set(file.ident, file);
  return pipeline;
}

/** Binds session 1 and identifies its file. */
async function identify(
  peer: ClientPeer,
  ident: Partial<Parameters<typeof client.ident>[0]> = {},
): Promise<string[]> {
  await peer.send(
    client.bind({ needFileIdent: false }),
    client.ident({
      fileIdent: 77,
      salt: 123456,
      scanServerVersion: 1,
      scanClientVersion: 11,
      latestServerVersionSalt: 999,
      ...ident,
    }),
  );
  return peer.answers();
}

describe('client files', () => {
  afterEach(closePeers);

  it('known: taken without a word', async () => {
    const peer = new ClientPeer({ pipeline: hostWith(row()) });
    assert.deepEqual(await identify(peer), []);
    assert.deepEqual(peer.counted, []);
    assert.deepEqual(peer.logger.lines, []);
  });

  for (const [what, file] of [
    ['of another user', row({ userId: 'user-2' })],
    ['with another salt', row({ salt: 654321n })],
  ] as const) {
    it(`${what}: session error 223, the same for both`, async () => {
      const peer = new ClientPeer({ pipeline: hostWith(file) });
      const [error, ...more] = (await identify(peer)).map((text) => client.receive(Buffer.from(text)));
      assert.deepEqual(more, []);
      assert.deepEqual(error?.fields.slice(0, 1), ['223']);
      assert.equal(error.fields[2], '1');
      assert.deepEqual(error.json, {
        tryAgain: false,
        message: 'the client file is of another user, or its salt is wrong: file 77',
        logURL: '',
        shouldClientReset: false,
        isRecoveryModeDisabled: false,
        action: 'ApplicationBug',
      });
      assert.equal(peer.ended, undefined, 'other sessions go on');
      await peer.send(client.upload({ changesets: [{ clientVersion: 12 }] }), client.unbind());
      assert.deepEqual(peer.answers(), []);
      assert.equal(peer.pipeline.attempts, 0);
    });
  }

  it('unknown to the store, with a salt of ours and something acknowledged: adopted where it stands', async () => {
    const peer = new ClientPeer();
    await identify(peer, { scanServerVersion: 3, scanClientVersion: 50, latestServerVersion: 4 });
    await peer.send(client.upload({ changesets: [{ clientVersion: 51, serverVersion: 3 }] }));
    assert.deepEqual(peer.answers(), ['download 1 4 51 4 999 51 3 0 2 1 0 0 0\n']);
    assert.deepEqual(peer.pipeline.files.get(77n), row({ clientVersion: 51n, serverVersion: 4n }));
    assert.deepEqual(peer.counted, ['adopted unknown', 'adopted ahead', 'acknowledged 1']);
    assert.deepEqual(
      peer.logger.at('error').map(({ fields }) => fields),
      [
        {
          sessionIdent: 1,
          clientFileIdent: '77',
          userId: 'user-1',
          adoption: ['unknown', 'ahead'],
          acknowledgedClientVersion: '50',
          recordedClientVersion: '0',
        },
      ],
    );
  });

  it('unknown, with a salt that is not ours: adopted too; counted and logged; its row gets the salt presented', async () => {
    const peer = new ClientPeer();
    await identify(peer, { salt: -5, scanClientVersion: 0 });
    assert.equal(peer.pipeline.files.size, 0, 'no row before the first commit');
    await peer.send(client.upload({ changesets: [{ clientVersion: 12 }] }));
    assert.deepEqual(peer.pipeline.files.get(77n), row({ salt: -5n, clientVersion: 12n }));
    assert.deepEqual(peer.counted, ['adopted unknown', 'adopted unverified', 'acknowledged 1']);
    assert.equal(peer.logger.at('warn').length, 1);
    assert.equal(peer.logger.at('error').length, 0);
  });

  it('new, of this server, before its first commit: nothing to tell', async () => {
    const peer = new ClientPeer();
    await identify(peer, { scanServerVersion: 0, scanClientVersion: 0 });
    assert.deepEqual(peer.counted, []);
    assert.deepEqual(peer.logger.lines, []);
  });

  it('ahead of a restored store: adopted, the gap logged as an error', async () => {
    const peer = new ClientPeer({ pipeline: hostWith(row({ clientVersion: 8n })) });
    assert.deepEqual(await identify(peer), []);
    assert.deepEqual(peer.counted, ['adopted ahead']);
    assert.equal(peer.logger.at('error').length, 1);
  });

  it('ahead: counted and logged once, however often it comes back before its next commit', async () => {
    const adoptedFiles = new AdoptedFiles();
    const pipeline = hostWith(row({ clientVersion: 8n }));
    const comeBack = async (fileIdent = 77): Promise<ClientPeer> => {
      const peer = new ClientPeer({ pipeline, adoptedFiles });
      await identify(peer, { fileIdent });
      return peer;
    };
    const told = async (fileIdent?: number) => (await comeBack(fileIdent)).counted.length;
    assert.deepEqual([await told(), await told(), await told()], [1, 0, 0]);
    assert.equal((await comeBack()).logger.lines.length, 0);
    assert.equal(await told(78), 2, 'unknown and ahead: another file');

    await (await comeBack()).send(client.upload({ changesets: [{ clientVersion: 12 }] }));
    assert.equal(await told(), 0, 'the store is up to date');
    pipeline.files.set(77n, row({ clientVersion: 8n }));
    assert.equal(await told(), 1, 'the store was restored once more');
  });

  it('made up by a client: remembered and logged within bounds', () => {
    const adoptedFiles = new AdoptedFiles();
    let lines = 0;
    for (let ident = 1n; ident <= 30_000n; ident += 1n) {
      assert.equal(adoptedFiles.shouldReport(ident, ['unknown']), true);
      if (adoptedFiles.admitLine(ident) !== undefined) lines += 1;
    }
    assert.ok(lines <= 10_001, String(lines));
    assert.equal(adoptedFiles.shouldReport(30_000n, ['unknown']), false);
    assert.equal(adoptedFiles.shouldReport(1n, ['unknown']), true, 'forgotten');
  });

  it('restored to an older state: old versions with new objects are stored and acknowledged', async () => {
    const peer = new ClientPeer({ pipeline: hostWith(row({ clientVersion: 90n })) });
    await identify(peer);
    await peer.send(client.upload({ changesets: [{ clientVersion: 12, bytes: Buffer.from('new') }] }));
    assert.deepEqual(peer.answers(), ['download 1 1 12 1 999 12 1 0 2 1 0 0 0\n']);
    assert.deepEqual([...peer.pipeline.stored.keys()], ['new']);
  });

  it('IDENT alone acknowledges nothing, not even what the store has', async () => {
    const peer = new ClientPeer({ pipeline: hostWith(row({ clientVersion: 90n })) });
    assert.deepEqual(await identify(peer), []);
    await peer.send(client.mark(2), client.upload({}));
    assert.deepEqual(peer.answers(), ['mark 1 2\n']);
  });

  it('gives back the salt of the server version with which the file came', async () => {
    const peer = new ClientPeer();
    await identify(peer, { latestServerVersionSalt: 4711 });
    await peer.send(client.upload({ changesets: [{ clientVersion: 12 }] }));
    assert.deepEqual(peer.answers(), ['download 1 1 12 1 4711 12 1 0 2 1 0 0 0\n']);
  });

  it('never acknowledges a server version that the file was not served', async () => {
    const peer = new ClientPeer();
    await identify(peer);
    await peer.send(client.upload({ changesets: [{ clientVersion: 12, serverVersion: 9 }] }));
    assert.deepEqual(peer.answers(), ['download 1 1 12 1 999 12 0 0 2 1 0 0 0\n']);
  });

  for (const [what, messages] of [
    ['IDENT', [client.ident({ fileIdent: 77, salt: 1, query: { Dog: 'TRUEPREDICATE' } })]],
    [
      'QUERY',
      [
        client.ident({ fileIdent: 77, salt: 123456 }),
        client.query({ queryVersion: 1, query: { Dog: 'TRUEPREDICATE' } }),
      ],
    ],
    [
      'QUERY whose version does not rise',
      [client.ident({ fileIdent: 77, salt: 123456 }), client.query({ queryVersion: 0 })],
    ],
  ] as const) {
    it(`subscriptions in ${what}: session error 226`, async () => {
      const peer = new ClientPeer();
      await peer.send(client.bind({ needFileIdent: false }), ...messages);
      const error = client.receive(Buffer.from(peer.answers().at(-1) ?? ''));
      assert.deepEqual([error.type, error.fields[0], error.fields[2]], ['json_error', '226', '1']);
      assert.equal(error.json?.action, 'ApplicationBug');
      assert.equal(error.json.tryAgain, false);
      assert.equal(peer.ended, undefined);
    });
  }
});
