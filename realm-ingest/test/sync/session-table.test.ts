import assert from 'node:assert/strict';
import {
  sessionStates,
  sessionTable,
  stateAfter,
  type Reaction,
  type SessionMessage,
  type SessionState,
} from '../../src/sync/session-table.js';
import * as client from '../support/client-message.js';
import { ClientPeer, closePeers } from '../support/client-peer.js';

type MessageType = SessionMessage['type'];

/** One good message of every type, for session 1. */
const messages: Readonly<Record<MessageType, Uint8Array>> = {
  bind: client.bind({ needFileIdent: false }),
  ident: client.ident({ fileIdent: 77, salt: 123456 }),
  upload: client.upload({ changesets: [{ clientVersion: 20, bytes: Buffer.from('data') }] }),
  mark: client.mark(7),
  query: client.query({ queryVersion: 1 }),
  json_error: client.clientError(112, 'bad changeset'),
  unbind: client.unbind(),
};

/** A peer whose session 1 is in a state, and how to end what the state waits for. */
async function peerIn(state: SessionState): Promise<{ peer: ClientPeer; goOn: () => void }> {
  const peer = new ClientPeer();
  let goOn = (): void => undefined;
  if (state !== 'unknown') await peer.send(messages.bind);
  if (state === 'identifying') goOn = peer.pipeline.holdUp();
  if (state === 'identifying' || state === 'identified') await peer.send(messages.ident);
  if (state === 'errored') {
    await peer.send(client.ident({ fileIdent: 77, salt: 123456, query: { Dog: 'TRUEPREDICATE' } }));
  }
  peer.answers();
  return { peer, goOn };
}

/** The state of a peer's session 1, found by its answers. */
async function stateOf(peer: ClientPeer): Promise<SessionState | 'connection ended'> {
  if (peer.ended !== undefined) return 'connection ended';
  peer.answers();
  await peer.send(client.mark(99));
  if (peer.answers().includes('mark 1 99\n')) return 'identified';
  if (codeOf(peer) === '106') return 'unknown';
  if (codeOf(peer) === '109') return 'bound';
  await peer.send(messages.ident);
  return codeOf(peer) === '109' ? 'identifying' : 'errored';
}

/** The code of the error with which the connection was ended. */
const codeOf = (peer: ClientPeer): string | undefined =>
  peer.ended === undefined ? undefined : peer.sent.at(-1)?.split(' ')[1];

/** What the taking of a message looks like from outside. */
const answersWhenTaken: Readonly<Record<MessageType, readonly RegExp[]>> = {
  bind: [],
  ident: [/^download 1 1 0 1 999 0 0 0 1 1 0 12 0\n1 0 0 1 0 0 $/],
  upload: [/^download 1 1 20 1 999 20 1 0 2 1 0 0 0\n$/],
  mark: [/^mark 1 7\n$/],
  query: [/^download 1 1 0 1 999 0 0 1 1 1 0 12 0\n1 0 0 1 0 0 $/],
  json_error: [/^json_error 201 [0-9]+ 1\n.*"action":"Transient"/],
  unbind: [/^unbound 1\n$/],
};

const violations: Partial<Record<Reaction, number>> = {
  'sync-session-ident': 106,
  'sync-session-reuse': 107,
  'sync-message-order': 109,
};

function assertAnswers(answers: readonly string[], patterns: readonly RegExp[]): void {
  assert.equal(answers.length, patterns.length, answers.join('\n'));
  for (const [index, pattern] of patterns.entries()) assert.match(answers[index]!, pattern);
}

describe('session table', () => {
  afterEach(closePeers);

  it('has a row for every state and a column for every message', () => {
    assert.deepEqual(Object.keys(sessionTable), [...sessionStates]);
    for (const state of sessionStates) {
      assert.deepEqual(Object.keys(sessionTable[state]).sort(), Object.keys(messages).sort(), state);
    }
  });

  it('lets a client send what section 4.2 lists, and nothing else', () => {
    const legal = (state: SessionState): string[] =>
      Object.entries(sessionTable[state])
        .filter(([, reaction]) => violations[reaction] === undefined)
        .map(([type]) => type)
        .sort();
    const uploading = ['json_error', 'mark', 'query', 'unbind', 'upload'];
    assert.deepEqual(Object.fromEntries(sessionStates.map((state) => [state, legal(state)])), {
      unknown: ['bind'],
      bound: ['ident', 'unbind'],
      identifying: uploading,
      identified: uploading,
      errored: ['ident', ...uploading].sort(),
    });
  });

  for (const state of sessionStates) {
    for (const type of Object.keys(messages) as MessageType[]) {
      const reaction = sessionTable[state][type];
      it(`${state}, ${type}: ${reaction}`, async () => {
        const { peer, goOn } = await peerIn(state);
        await peer.send(messages[type]);

        const code = violations[reaction];
        if (code !== undefined) {
          assertAnswers(peer.answers(), [
            new RegExp(`^json_error ${code} [0-9]+ 0\\n.*"tryAgain":false.*"action":"ProtocolViolation"`),
          ]);
          assert.equal(peer.ended, 'ended');
        } else if (reaction === 'take') {
          assertAnswers(peer.answers(), answersWhenTaken[type]);
          const expected = type === 'ident' ? 'identified' : (stateAfter[type] ?? state);
          assert.equal(await stateOf(peer), expected);
        } else if (reaction === 'queue') {
          assert.deepEqual(peer.answers(), []);
          goOn();
          await peer.send();
          assertAnswers(peer.answers(), [...answersWhenTaken.ident, ...answersWhenTaken[type]]);
        } else {
          assert.deepEqual(peer.answers(), []);
          assert.equal(await stateOf(peer), reaction === 'forget' ? 'unknown' : state);
          assert.deepEqual(peer.pipeline.commits, []);
        }
        goOn();
        await peer.send();
        assert.equal(peer.unreleased, 0, 'no message is held any more');
      });
    }
  }

  for (const state of sessionStates) {
    it(`${state}, ping: answered with its own timestamp`, async () => {
      const { peer } = await peerIn(state);
      await peer.send(client.ping(123456789));
      assert.deepEqual(peer.answers(), ['pong 123456789\n']);
    });
  }
});
