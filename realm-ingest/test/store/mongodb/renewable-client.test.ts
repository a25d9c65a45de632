import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import * as driver from 'mongodb';
import sinon from 'sinon';
import { defaultTiming } from '../../../src/store/mongodb/command-timing.js';
import { RenewableClient } from '../../../src/store/mongodb/renewable-client.js';
import { eventually } from '../../../../test/support/eventually.js';
import { RecordingLogger } from '../../../../test/support/server/recording-logger.js';

type Behaviour = 'silent' | 'answers' | 'refuses' | 'unreachable';

/** A client that does the same with every command. */
class FakeClient extends EventEmitter {
  behaviour: Behaviour;
  isClosed = false;

  constructor(behaviour: Behaviour) {
    super();
    this.behaviour = behaviour;
  }

  db() {
    return { command: () => this.command() };
  }

  command(): Promise<string> {
    switch (this.behaviour) {
      case 'silent':
        return new Promise(() => undefined);
      case 'answers':
        return Promise.resolve('answer');
      case 'refuses':
        return Promise.reject(new driver.MongoServerError({ errmsg: 'not primary', code: 10107 }));
      case 'unreachable':
        return Promise.reject(new driver.MongoNetworkError('connect ECONNREFUSED'));
    }
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

describe('a MongoDB client that can be renewed', () => {
  let logger: RecordingLogger;
  let made: FakeClient[];
  let client: RenewableClient;

  /** @param behaviours - of the clients, in the order in which they are made; the last one stands for all others */
  const create = (behaviours: readonly Behaviour[], renewalMillis = 30): void => {
    logger = new RecordingLogger();
    made = [];
    client = new RenewableClient({
      driver,
      databaseName: 'telemetry',
      logger,
      timing: { ...defaultTiming, readMillis: 10, writeMillis: 10, renewalMillis },
      open: () => {
        const next = new FakeClient(behaviours[made.length] ?? behaviours.at(-1)!);
        made.push(next);
        return next as unknown as driver.MongoClient;
      },
    });
  };
  const write = (): Promise<string> =>
    client.run('write', 'insert', () => (client.current as unknown as FakeClient).command());
  /** Writes again and again, as clients do that are held back. */
  const writeUntil = (holds: () => boolean): Promise<boolean> =>
    eventually('an end of the writing', async () => {
      await write().catch(() => undefined);
      return holds();
    });

  afterEach(() => client.close());

  it('stays if commands fail rarely, with no commands in between', async () => {
    const clock = sinon.useFakeTimers({ toFake: ['performance'] });
    try {
      create(['unreachable', 'answers'], 30);
      await assert.rejects(write());
      clock.tick(1000);
      await assert.rejects(write());
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(made.length, 1);
    } finally {
      clock.restore();
    }
  });

  for (const behaviour of ['silent', 'unreachable'] as const) {
    it(`is replaced when it is ${behaviour}, and a new one gets an answer`, async () => {
      create([behaviour, 'answers']);
      const [first] = made;
      await writeUntil(() => client.current !== (first as unknown));
      assert.equal(await write(), 'answer');
      assert.equal(first?.isClosed, true);
      assert.equal(made.length, 2);
      assert.deepEqual(
        logger.lines.map(({ level, message }) => [level, message]),
        [
          [
            'warn',
            'the MongoDB client got no answer for some time, but a new client did: the old one was replaced',
          ],
        ],
      );
    });
  }

  it('gives up the running commands of the old one', async () => {
    create(['silent', 'answers']);
    const building = client.run('build', 'indexes', () => new Promise<never>(() => undefined));
    const ended = assert.rejects(building, /the client was replaced \(indexes\)/);
    await writeUntil(() => logger.lines.length > 0);
    await ended;
  });

  it('stays silently while MongoDB is down for new clients too', async () => {
    create(['unreachable']);
    await writeUntil(() => made.filter(({ isClosed }) => isClosed).length >= 2);
    assert.equal(client.current, made[0]);
    assert.deepEqual(logger.lines, []);
  });

  it('stays if the server refuses everything: that is an answer', async () => {
    create(['refuses', 'answers'], 20);
    const begun = performance.now();
    await writeUntil(() => performance.now() - begun > 200);
    assert.equal(made.length, 1);
  });

  it('stays if a command in between got an answer', async () => {
    create(['unreachable', 'answers'], 50);
    const begun = performance.now();
    await writeUntil(() => {
      made[0]!.behaviour = made[0]!.behaviour === 'answers' ? 'unreachable' : 'answers';
      return performance.now() - begun > 300;
    });
    assert.equal(made.length, 1);
  });

  it('stays if it gets an answer before the new one', async () => {
    create(['unreachable', 'silent']);
    await writeUntil(() => made.length === 2);
    made[0]!.behaviour = 'answers';
    await write();
    made[1]!.behaviour = 'answers';
    await eventually('the end of the new one', () => made[1]!.isClosed);
    assert.equal(client.current, made[0]);
  });
});
