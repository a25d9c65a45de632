import assert from 'node:assert/strict';
import sinon from 'sinon';
import { parseClientMessage } from '../../src/protocol/client-message.js';
import type { ServerMessage } from '../../src/protocol/messages.js';
import { AdoptedFiles } from '../../src/sync/adopted-files.js';
import { ErrorLog } from '../../src/sync/error-log.js';
import { Session, type SessionConnection } from '../../src/sync/session.js';
import {
  sessionStates,
  sessionTable,
  stateAfter,
  type SessionMessage,
  type SessionState,
} from '../../src/sync/session-table.js';
import { SyncError } from '../../src/sync/sync-error.js';
import { defaultSyncLimits } from '../../src/sync/sync-limits.js';
import { RecordingLogger } from '../../../test/support/server/recording-logger.js';
import * as client from '../support/client-message.js';
import { settle } from '../support/client-peer.js';
import { broken, MemoryPipeline, unavailable } from '../support/memory-pipeline.js';

type MessageType = SessionMessage['type'];

const parse = (bytes: Uint8Array): SessionMessage => {
  const message = parseClientMessage(bytes, 14, { maxMessageBytes: 1_000_000 });
  assert.ok(message.type !== 'ping');
  return message;
};

/** One good message of every type, for session 7. */
const messages: Readonly<Record<MessageType, SessionMessage>> = {
  bind: parse(client.bind({ session: 7 })),
  ident: parse(client.ident({ session: 7, fileIdent: 77, salt: 123456 })),
  upload: parse(client.upload({ session: 7, changesets: [{ clientVersion: 20 }] })),
  mark: parse(client.mark(5, 7)),
  query: parse(client.query({ session: 7, queryVersion: 1 })),
  json_error: parse(client.clientError(112, 'bad changeset', 7)),
  unbind: parse(client.unbind(7)),
};

const subscribing = parse(
  client.ident({ session: 7, fileIdent: 77, salt: 123456, query: { Dog: 'TRUEPREDICATE' } }),
);

/** What a session sends when it takes a message. */
const answers: Readonly<Record<MessageType, readonly ServerMessage['type'][]>> = {
  bind: ['ident'],
  ident: ['download'],
  upload: ['download'],
  mark: ['mark'],
  query: ['download'],
  json_error: ['json_error'],
  unbind: ['unbound'],
};

/** A session on a connection that keeps what the session asks of it. */
class Fixture implements SessionConnection {
  readonly pipeline = new MemoryPipeline();
  readonly session: Session;
  readonly added: Session[] = [];
  readonly removed: Session[] = [];
  readonly sent: ServerMessage[] = [];
  readonly failures: unknown[] = [];
  readonly pauses = new Set<unknown>();
  readonly counted: string[] = [];
  /** Messages whose bytes are not released. */
  unreleased = 0;
  full = false;

  constructor() {
    this.session = new Session(7, this, {
      pipeline: this.pipeline,
      userId: 'user-1',
      limits: defaultSyncLimits,
      logger: new RecordingLogger(),
      observer: {
        heldBack: (reason) => this.counted.push(`held back: ${reason}`),
        errorSent: (code) => this.counted.push(`error ${code}`),
        acknowledged: (changesets) => this.counted.push(`acknowledged ${changesets}`),
      },
      errorLog: new ErrorLog(),
      adoptedFiles: new AdoptedFiles(),
    });
  }

  /** A session in a state, and how to end the look-up if it is in one. */
  static async in(state: SessionState): Promise<{ fixture: Fixture; endLookUp: () => void }> {
    const fixture = new Fixture();
    let endLookUp = (): void => undefined;
    if (state !== 'unknown') await fixture.receive(messages.bind);
    if (state === 'identifying') endLookUp = fixture.pipeline.holdUp();
    if (state === 'identifying' || state === 'identified') await fixture.receive(messages.ident);
    if (state === 'errored') await fixture.receive(subscribing);
    assert.equal(fixture.session.state, state);
    fixture.types();
    return { fixture, endLookUp };
  }

  async receive(message: SessionMessage): Promise<void> {
    this.unreleased += 1;
    let released = false;
    this.session.receive(message, {
      grow: () => undefined,
      release: () => {
        if (!released) this.unreleased -= 1;
        released = true;
      },
    });
    await settle();
  }

  /** The types of the messages sent since the last call. */
  types(): ServerMessage['type'][] {
    return this.sent.splice(0).map(({ type }) => type);
  }

  add(session: Session): void {
    if (this.full) throw new SyncError('sync-overload', 'full');
    this.added.push(session);
  }

  remove(session: Session): void {
    this.removed.push(session);
  }

  send(message: ServerMessage): void {
    this.sent.push(message);
  }

  fail(error: unknown): void {
    this.failures.push(error);
  }

  pause(reason: unknown): void {
    this.pauses.add(reason);
  }

  resume(reason: unknown): void {
    this.pauses.delete(reason);
  }
}

describe('Session', () => {
  for (const state of sessionStates) {
    for (const type of Object.keys(messages) as MessageType[]) {
      const reaction = sessionTable[state][type];
      it(`${state}, ${type}: ${reaction}`, async () => {
        const { fixture, endLookUp } = await Fixture.in(state);
        const { session } = fixture;
        await fixture.receive(messages[type]);

        if (reaction === 'take') {
          assert.deepEqual(fixture.types(), answers[type]);
          assert.equal(session.state, type === 'ident' ? 'identified' : (stateAfter[type] ?? state));
        } else if (reaction === 'queue') {
          assert.deepEqual(fixture.types(), []);
          assert.equal(session.state, 'identifying');
          assert.equal(fixture.unreleased, 1, 'kept');
          endLookUp();
          await settle();
          assert.deepEqual(fixture.types(), [...answers.ident, ...answers[type]]);
          assert.equal(session.state, stateAfter[type] ?? 'identified');
        } else {
          assert.deepEqual(fixture.types(), []);
          assert.equal(session.state, reaction === 'forget' ? 'unknown' : state);
        }
        const codes = fixture.failures.map((error) => (error as SyncError).code);
        assert.deepEqual(codes, reaction.startsWith('sync-') ? [reaction] : []);
        assert.equal(fixture.added.length, state === 'unknown' && type !== 'bind' ? 0 : 1);
        assert.equal(fixture.removed.length, session.state === 'unknown' && state !== 'unknown' ? 1 : 0);
        const isCommitted = type === 'upload' && (reaction === 'take' || reaction === 'queue');
        assert.equal(fixture.pipeline.commits.length, isCommitted ? 1 : 0);
        endLookUp();
        session.end();
        await settle();
        assert.equal(fixture.unreleased, 0);
      });
    }
  }

  it('is not opened on a full connection', async () => {
    const fixture = new Fixture();
    fixture.full = true;
    await fixture.receive(messages.bind);
    assert.deepEqual([fixture.types(), fixture.session.state], [[], 'unknown']);
    assert.equal((fixture.failures[0] as SyncError).code, 'sync-overload');
  });

  it('tells its client of its own errors, once, and leaves other errors to the connection', async () => {
    const { fixture } = await Fixture.in('identified');
    const fault = new TypeError('a fault');
    fixture.session.fail(fault);
    assert.deepEqual([fixture.failures, fixture.session.state], [[fault], 'identified']);
    for (const ident of [1, 2]) {
      fixture.session.fail(new SyncError('client-file-mismatch', `file ${ident}`));
      assert.deepEqual(fixture.types(), ident === 1 ? ['json_error'] : []);
    }
    assert.equal(fixture.session.state, 'errored');
    assert.deepEqual(fixture.counted, ['error 223']);
  });

  it('acknowledges only what is committed, and nothing after its end', async () => {
    for (const ends of [false, true]) {
      const { fixture } = await Fixture.in('identified');
      const commit = fixture.pipeline.holdUp();
      await fixture.receive(messages.upload);
      assert.deepEqual(fixture.types(), []);
      if (ends) fixture.session.end();
      commit();
      await fixture.session.idle();
      assert.deepEqual(fixture.pipeline.commits, [[20n]]);
      assert.deepEqual(fixture.types(), ends ? [] : ['download']);
      assert.deepEqual(fixture.counted, ends ? [] : ['acknowledged 1']);
    }
  });

  it('forgets messages that waited for the look-up when it ends', async () => {
    const { fixture, endLookUp } = await Fixture.in('identifying');
    await fixture.receive(messages.upload);
    fixture.session.end();
    assert.equal(fixture.unreleased, 0);
    endLookUp();
    await settle();
    assert.deepEqual([fixture.types(), fixture.pipeline.attempts, fixture.session.state], [[], 0, 'unknown']);
  });

  it('discards what waits behind a message that ends it', async () => {
    const { fixture, endLookUp } = await Fixture.in('identifying');
    await fixture.receive(messages.json_error);
    await fixture.receive(messages.upload);
    await fixture.receive(messages.mark);
    endLookUp();
    await settle();
    assert.deepEqual(fixture.types(), ['download', 'json_error']);
    assert.deepEqual([fixture.unreleased, fixture.pipeline.attempts], [0, 0]);
  });

  describe('while the store fails', () => {
    let clock: sinon.SinonFakeTimers;

    beforeEach(() => {
      clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    });

    afterEach(() => {
      clock.restore();
    });

    it('holds its client back, tries again, and goes on', async () => {
      const { fixture } = await Fixture.in('identified');
      fixture.pipeline.failure = unavailable();
      await fixture.receive(messages.upload);
      assert.equal(fixture.pauses.size, 1);
      await clock.tickAsync(5000);
      assert.ok(fixture.pipeline.attempts > 2);
      fixture.pipeline.failure = undefined;
      await clock.tickAsync(5000);
      await settle();
      assert.deepEqual(fixture.types(), ['download']);
      assert.equal(fixture.pauses.size, 0);
      assert.deepEqual(fixture.counted, ['held back: store', 'acknowledged 1']);
    });

    it('sends its client away after 20 s', async () => {
      const { fixture } = await Fixture.in('identified');
      fixture.pipeline.failure = unavailable();
      await fixture.receive(messages.upload);
      await clock.tickAsync(19_999);
      assert.deepEqual([fixture.session.state, fixture.pauses.size], ['identified', 1]);
      await clock.tickAsync(1);
      await settle();
      assert.deepEqual(fixture.types(), ['json_error']);
      assert.deepEqual([fixture.session.state, fixture.pauses.size, fixture.unreleased], ['errored', 0, 0]);
      const { attempts } = fixture.pipeline;
      await clock.tickAsync(60_000);
      assert.equal(fixture.pipeline.attempts, attempts, 'no more retries');
    });

    it('lets its connection read again when it ends', async () => {
      const { fixture } = await Fixture.in('identified');
      fixture.pipeline.failure = unavailable();
      await fixture.receive(messages.upload);
      assert.equal(fixture.pauses.size, 1);
      fixture.session.end();
      assert.equal(fixture.pauses.size, 0);
    });

    it('sends its client away at once if the store fails for good, in a commit or in the look-up', async () => {
      for (const state of ['bound', 'identified'] as const) {
        const { fixture } = await Fixture.in(state);
        fixture.pipeline.failure = broken();
        await fixture.receive(state === 'bound' ? messages.ident : messages.upload);
        const [error] = fixture.sent;
        assert.deepEqual([error?.type, fixture.session.state], ['json_error', 'errored']);
        assert.equal(fixture.unreleased, 0);
      }
    });
  });
});
