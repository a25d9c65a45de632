import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { MongoClient } from 'mongodb';
import sinon from 'sinon';
import { ClientCommands } from '../../../src/store/mongodb/client-commands.js';
import { defaultTiming, type CommandTiming } from '../../../src/store/mongodb/command-timing.js';
import { majorityTimeoutMillis } from '../../../src/store/mongodb/mongodb-database.js';
import { isStoreError } from '../../support/store-fixture.js';

/** A client that reports on its servers; tests decide how its commands end. */
class SilentClient extends EventEmitter {
  closed = 0;

  close(): Promise<void> {
    this.closed += 1;
    return new Promise(() => undefined);
  }

  /** As the driver does when it loses a server. The order of the two events varies. */
  lose(address: string): void {
    this.describe(address, 'Unknown');
    this.emit('connectionPoolCleared', { address });
  }

  describe(address: string, type: string): void {
    this.emit('serverDescriptionChanged', { address, newDescription: { type } });
  }
}

/** The driver's answer to a command that it has forgotten. */
const never = (): Promise<never> => new Promise(() => undefined);

describe('the commands of a MongoDB client', () => {
  let client: SilentClient;
  const commandsWith = (timing: Partial<CommandTiming>): ClientCommands => {
    client = new SilentClient();
    return new ClientCommands(client as unknown as MongoClient, 'telemetry', { ...defaultTiming, ...timing });
  };

  it('get an answer in time, or a retryable error', async () => {
    const commands = commandsWith({ writeMillis: 20 });
    let signal: AbortSignal | undefined;
    const running = commands.run('write', 'insert into Span', (given) => {
      signal = given;
      return never();
    });
    await assert.rejects(running, isStoreError('store-unavailable', true));
    await assert.rejects(
      running,
      /MongoDB database telemetry: no answer within 0\.02 s \(insert into Span\)/,
    );
    assert.equal(signal?.aborted, true);
    assert.equal(signal.reason, await running.catch((error: unknown) => error));
  });

  it('end with the driver’s result if that comes first', async () => {
    const commands = commandsWith({ readMillis: 60_000 });
    assert.equal(await commands.run('read', 'find', () => Promise.resolve(7)), 7);
    await assert.rejects(
      commands.run('read', 'find', () => Promise.reject(new TypeError('no'))),
      TypeError,
    );
  });

  it('of a lost server are given up soon after it is back, but later ones are not', async () => {
    const commands = commandsWith({ graceMillis: 20 });
    client.describe('a:1', 'Standalone');
    const before = commands.run('write', 'insert', never);
    client.lose('a:1');
    client.describe('a:1', 'Standalone');
    let isLaterSettled = false;
    void commands.run('write', 'insert', never).catch(() => (isLaterSettled = true));
    await assert.rejects(before, /the connection was lost, and no answer came \(insert\)/);
    assert.equal(isLaterSettled, false);
    void commands.close('it is closed');
  });

  it('continue if a secondary is lost', async () => {
    const commands = commandsWith({ graceMillis: 1, buildMillis: 100 });
    client.describe('a:1', 'RSPrimary');
    client.describe('b:1', 'RSSecondary');
    const building = commands.run('build', 'indexes', never);
    client.lose('b:1');
    client.describe('b:1', 'RSSecondary');
    await assert.rejects(building, /no answer within 0\.1 s/);
  });

  it('continue while no server is writable: the driver repeats some of them', async () => {
    const commands = commandsWith({ graceMillis: 1, readMillis: 100 });
    client.describe('a:1', 'RSPrimary');
    client.describe('b:1', 'RSSecondary');
    const reading = commands.run('read', 'find', never);
    client.lose('a:1');
    client.describe('a:1', 'RSSecondary');
    await assert.rejects(reading, /no answer within 0\.1 s/);
  });

  it('are given up soon after another server becomes the primary', async () => {
    const commands = commandsWith({ graceMillis: 1 });
    client.describe('a:1', 'RSPrimary');
    client.describe('b:1', 'RSSecondary');
    const writing = commands.run('write', 'insert', never);
    client.lose('a:1');
    client.describe('b:1', 'RSPrimary');
    await assert.rejects(writing, /the connection was lost/);
  });

  it('are given up soon if there is another mongos', async () => {
    const commands = commandsWith({ graceMillis: 1 });
    client.describe('a:1', 'Mongos');
    client.describe('b:1', 'Mongos');
    const writing = commands.run('write', 'insert', never);
    client.lose('a:1');
    await assert.rejects(writing, /the connection was lost/);
  });

  it('are given up soon if a server behind a load balancer is lost', async () => {
    const commands = commandsWith({ graceMillis: 1 });
    client.describe('a:1', 'LoadBalancer');
    const writing = commands.run('write', 'insert', never);
    client.emit('connectionPoolCleared', { address: 'a:1' });
    await assert.rejects(writing, /the connection was lost/);
  });

  it('are given up, except index builds, whose connection may still stand', async () => {
    const commands = commandsWith({ graceMillis: 1 });
    client.describe('a:1', 'RSPrimary');
    let failures = 0;
    const building = commands.run('build', 'indexes', never).catch(() => (failures += 1));
    const reading = commands.run('read', 'ping', never);
    client.lose('a:1');
    client.describe('a:1', 'RSPrimary');
    await assert.rejects(reading, /the connection was lost/);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(failures, 0);
    void commands.close('the store was closed');
    await building;
    assert.equal(failures, 1);
  });

  it('are given up if the new primary is lost, which was a secondary before', async () => {
    const commands = commandsWith({ graceMillis: 1 });
    client.describe('b:1', 'RSSecondary');
    client.describe('b:1', 'RSPrimary');
    const reading = commands.run('read', 'ping', never);
    client.lose('b:1');
    client.describe('b:1', 'RSPrimary');
    await assert.rejects(reading, /the connection was lost/);
  });

  it('are given up when the client is closed, even if the driver never closes it', async () => {
    const clock = sinon.useFakeTimers();
    try {
      const commands = commandsWith({});
      const running = commands.run('build', 'indexes', never);
      const closing = commands.close('it is closed');
      await assert.rejects(running, /it is closed \(indexes\)/);
      await clock.tickAsync(1000);
      await closing;
      assert.equal(client.closed, 1);
    } finally {
      clock.restore();
    }
  });

  it('wait for the server’s own error of a write without a majority', () => {
    assert.ok(defaultTiming.writeMillis > majorityTimeoutMillis);
  });
});
