import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { context, diag, trace, DiagLogLevel } from '@opentelemetry/api';
import sinon, { type SinonStub } from 'sinon';
import { isTracingSuppressed } from '@opentelemetry/core';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import Realm, { endSessions, engineName } from '../support/engine/realm.mjs';
import { eventually } from '../support/eventually.js';
import { startIngest, type Ingest } from '../support/ingest.js';
import { Network } from '../support/network.js';
import { createScratch, type Scratch } from '../support/scratch.js';
import { closeReader, storedDocuments } from '../support/stored.js';
import { connect, type ConnectOptions } from '../../src/delivery/connect.js';
import type { Connection } from '../../src/delivery/connection.js';
import { nodeFiles } from '../../src/platform/node/files.js';
import { recordTarget } from '../../src/delivery/record-target.js';
import { settledWithin } from '../../src/time/bounded-wait.js';
import type { RealmRecord } from '../../src/model/realm-record.js';
import { skip } from '../support/skip.js';

const appId = 'connection-test';

describe('connection', function () {
  this.timeout(120_000);
  let scratch: Scratch;
  let network: Network;
  let server: Ingest;
  const open: Connection[] = [];
  /** Of one test: a native engine keeps its users. */
  let directory: string;
  let directories = 0;

  before(async () => {
    scratch = await createScratch();
    server = await startIngest({ appId, store: scratch.store });
  });

  after(async () => {
    await closeReader(scratch.store);
    await server.close();
    await scratch.remove();
  });

  beforeEach(async () => {
    directory = join(scratch.path, `test-${(directories += 1)}`);
    network = await Network.create();
  });

  afterEach(async () => {
    sinon.restore();
    await Promise.all(open.splice(0).map((connection) => connection.close()));
    endSessions();
    await network.close();
  });

  function start(options: Partial<ConnectOptions> = {}): Connection {
    const connection = connect({
      Realm,
      appId,
      baseUrl: network.url,
      credentials: Realm.Credentials.anonymous(),
      serviceName: 'shop',
      directory,
      ...options,
    } as ConnectOptions);
    open.push(connection);
    return connection;
  }

  function spans(connection: Connection, names: readonly string[]): RealmRecord[] {
    const { ObjectId } = connection[recordTarget];
    return names.map((name) => ({
      kind: 'span',
      className: 'Span',
      values: { _id: new ObjectId(), name, startTimeUnixNano: 1_700_000_000_123_456_789n, durationNano: 5n },
      notes: [],
      sizeBytes: 100,
    }));
  }

  const write = (connection: Connection, ...names: string[]) =>
    connection[recordTarget].write(spans(connection, names));

  /** Does not wait for the back-off. */
  function tryAgain(connection: Connection): void {
    connection.pause();
    connection.resume();
  }

  async function storedNames(prefix: string): Promise<string[]> {
    const documents = await storedDocuments(scratch.store, 'Span');
    const names = documents.map(({ name }) => String(name));
    return names.filter((name) => name.startsWith(prefix)).sort();
  }

  it('stores records without a network, and delivers them once there is one', async () => {
    const connection = start();
    assert.deepEqual(await write(connection, 'offline-1', 'offline-2'), { stored: 2, failed: 0 });
    assert.equal(connection.status.spooled, 2);
    assert.equal(connection.status.unsynced, 0);
    await eventually('a failed login', () => connection.status.lastError?.code === 'login-failed');
    assert.equal(connection.status.state, 'connecting');
    assert.ok(connection.status.lastError?.message.startsWith(`login failed: ${network.url}: `));
    assert.equal(await connection.flush(100), false);

    network.connectTo(server.url);
    tryAgain(connection);
    assert.equal(await connection.flush(30_000), true);
    assert.deepEqual(await storedNames('offline-'), ['offline-1', 'offline-2']);
    const { state, spooled, unsynced, acknowledged, dropped, lastAcknowledgedAt } = connection.status;
    assert.deepEqual(
      { state, spooled, unsynced, acknowledged, dropped },
      { state: 'connected', spooled: 0, unsynced: 0, acknowledged: 2, dropped: {} },
    );
    assert.ok(lastAcknowledgedAt !== undefined && Date.now() - lastAcknowledgedAt.getTime() < 60_000);
  });

  it('flushes for any time limit, also without one', async () => {
    const connection = start();
    await write(connection, 'some day');
    const flushing = connection.flush(Infinity);
    await new Promise((resolve) => setTimeout(resolve, 50));
    network.connectTo(server.url);
    tryAgain(connection);
    assert.equal(await flushing, true);
  });

  it('keeps 64-bit integers exact on the way through the spool', async () => {
    const connection = start();
    await write(connection, 'exact-1');
    network.connectTo(server.url);
    await connection.flush(30_000);
    const document = (await storedDocuments(scratch.store, 'Span')).find(({ name }) => name === 'exact-1');
    assert.deepEqual(document?.startTimeUnixNano, { $numberLong: '1700000000123456789' });
  });

  it('leaves the event loop to others while it writes much', async () => {
    network.connectTo(server.url);
    const connection = start();
    await connection.realm;
    let turns = 0;
    const count = (): void => {
      turns += 1;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    const names = Array.from({ length: 300 }, (_, index) => `slices-${index}`);
    await write(connection, ...names);
    clearImmediate(timer);
    assert.ok(turns > 3, `${turns} turns`);
    await connection.flush();
    assert.equal((await storedNames('slices-')).length, 300);
  });

  describe('a synced Realm that takes no records', () => {
    /**
     * Makes its writes throw, as realm-core does at the commit while the clock stands before 2015. (Here at the beginning:
     * the test's engine, older than 13.23.2, takes no more asymmetric objects once some were rolled back uncommitted.)
     */
    async function refuseWrites(connection: Connection): Promise<SinonStub> {
      const { internal } = (await connection.realm) as unknown as { internal: { beginTransaction(): void } };
      return sinon.stub(internal, 'beginTransaction').throws(new Error('Invalid timestamp'));
    }

    it('leaves them in the spool, reports it, and gets each of them later, once, in order', async () => {
      network.connectTo(server.url);
      const connection = start();
      await write(connection, 'before the clock fell');
      assert.equal(await connection.flush(), true);
      const refusal = await refuseWrites(connection);

      const names = Array.from({ length: 20 }, (_, index) => `fallen ${String(index).padStart(2, '0')}`);
      assert.deepEqual(await write(connection, ...names.slice(0, 19)), { stored: 19, failed: 0 });
      assert.deepEqual(await write(connection, ...names.slice(19)), { stored: 1, failed: 0 });
      const { spooled, dropped, lastError } = connection.status;
      assert.deepEqual({ spooled, dropped }, { spooled: 20, dropped: {} });
      assert.equal(lastError?.code, 'sync-failed');
      assert.match(lastError.message, /takes no records, which are kept in the spool: Invalid timestamp/);
      assert.equal(await connection.flush(300), false);

      refusal.restore();
      assert.equal(await connection.flush(20_000), true, JSON.stringify(connection.status));
      assert.deepEqual([connection.status.spooled, connection.status.acknowledged], [0, 21]);
      assert.deepEqual(await write(connection, 'after'), { stored: 1, failed: 0 });
      assert.equal(connection.status.spooled, 0);
      assert.equal(await connection.flush(), true);
      const stored = (await storedDocuments(scratch.store, 'Span')).map(({ name }) => String(name));
      assert.deepEqual(stored.filter((name) => name.startsWith('fallen')).sort(), names);
    });

    it('is not tried in a hot loop', async () => {
      network.connectTo(server.url);
      const connection = start();
      await connection.realm;
      const refusal = await refuseWrites(connection);
      await write(connection, 'one', 'two', 'three');
      await new Promise((resolve) => setTimeout(resolve, 400));
      // The slice and two records alone; the mover tries the slice and one record alone, and then waits.
      assert.equal(refusal.callCount, 3 + 2);
      assert.equal(connection.status.spooled, 3);
    });
  });

  it('reopens a Realm that the app has closed, and delivers its records and later ones', async () => {
    network.connectTo(server.url);
    const connection = start({ serviceName: 'closed by the app' });
    const realm = await connection.realm;
    network.cut();
    await write(connection, 'before the app closed it');
    realm.close();
    assert.deepEqual(await write(connection, 'after the app closed it'), { stored: 1, failed: 0 });
    network.connectTo(server.url);
    tryAgain(connection);
    assert.equal(await connection.flush(20_000), true, JSON.stringify(connection.status));
    assert.deepEqual([connection.status.acknowledged, connection.status.dropped], [2, {}]);
    assert.notEqual(await connection.realm, realm);
    const names = (await storedDocuments(scratch.store, 'Span')).map(({ name }) => String(name));
    assert.deepEqual(names.filter((name) => name.endsWith('the app closed it')).sort(), [
      'after the app closed it',
      'before the app closed it',
    ]);
  });

  it('serialises overlapping writes, in their order', async () => {
    const connection = start();
    const outcomes = await Promise.all(['a', 'b', 'c'].map((name) => write(connection, `overlap-${name}`)));
    assert.deepEqual(outcomes, [
      { stored: 1, failed: 0 },
      { stored: 1, failed: 0 },
      { stored: 1, failed: 0 },
    ]);
    assert.equal(connection.status.spooled, 3);
    network.connectTo(server.url);
    assert.equal(await connection.flush(30_000), true);
    assert.deepEqual(await storedNames('overlap-'), ['overlap-a', 'overlap-b', 'overlap-c']);
  });

  it('keeps records on disk between pause() and resume()', async () => {
    network.connectTo(server.url);
    const connection = start();
    await write(connection, 'pause-1');
    assert.equal(await connection.flush(30_000), true);
    connection.pause();
    assert.equal(connection.status.state, 'paused');
    await write(connection, 'pause-2');
    assert.equal(await connection.flush(300), false);
    assert.deepEqual(await storedNames('pause-'), ['pause-1']);
    connection.resume();
    assert.equal(await connection.flush(30_000), true);
    assert.deepEqual(await storedNames('pause-'), ['pause-1', 'pause-2']);
  });

  it('does not log in while it is paused', async () => {
    network.connectTo(server.url);
    const connection = start();
    connection.pause();
    await write(connection, 'paused-start');
    assert.equal(await connection.flush(300), false);
    assert.equal(network.recordings.length, 0);
    connection.resume();
    assert.equal(await connection.flush(30_000), true);
  });

  it('reports each status to a listener until that is removed', async () => {
    const connection = start();
    const states: string[] = [];
    const end = connection.onStatus(({ state }) => {
      states.push(state);
    });
    connection.onStatus(() => {
      throw new Error('a listener of the app');
    });
    network.connectTo(server.url);
    await write(connection, 'status-1');
    await eventually('a connection', () => states.includes('connected'));
    assert.equal(states[0], 'connecting');
    end();
    const seen = states.length;
    connection.pause();
    await eventually('the pause', () => connection.status.state === 'paused');
    assert.equal(states.length, seen);
  });

  it('lets several connections of one process live side by side, each with a slot', async () => {
    network.connectTo(server.url);
    const [first, second] = [start(), start()];
    await Promise.all([write(first, 'two-1'), write(second, 'two-2')]);
    assert.deepEqual(await Promise.all([first.flush(30_000), second.flush(30_000)]), [true, true]);
    assert.notEqual((await first.realm).path, (await second.realm).path);
    assert.deepEqual(await storedNames('two-'), ['two-1', 'two-2']);
  });

  it('takes the next slot if a spool cannot be opened, for example with another encryption key', async () => {
    network.connectTo(server.url);
    const OnlyOthers = new Proxy(Realm, {
      construct(target, [config]: [{ path: string }]) {
        if (/slot-0\b.*spool/.test(config.path)) throw new Error('Realm file decryption failed');
        return new (target as unknown as new (given: unknown) => object)(config);
      },
    });
    const connection = start({ Realm: OnlyOthers, directory: join(directory, 'damaged') });
    assert.deepEqual(await write(connection, 'in slot 1'), { stored: 1, failed: 0 });
    assert.equal(connection.status.lastError?.code, 'open-failed');
    assert.match(connection.status.lastError.message, /slot-0.*spool\.realm: Realm file decryption failed/);
    assert.equal(await connection.flush(), true);
    const last = start({
      Realm: new Proxy(Realm, { construct: () => assert.fail('no file can be opened') }),
      directory: join(directory, 'damaged'),
    });
    const { failed, error } = await write(last, 'nowhere');
    assert.deepEqual([failed, error?.code], [1, 'write-failed']);
    assert.match(error?.message ?? '', /no file can be opened/);
  });

  it('survives a server that stops and starts again', async () => {
    network.connectTo(server.url);
    const connection = start();
    await write(connection, 'cut-1');
    await connection.flush(30_000);
    network.cut();
    await write(connection, 'cut-2');
    assert.equal(await connection.flush(300), false);
    assert.equal(connection.status.unsynced, 1);
    network.connectTo(server.url);
    assert.equal(await connection.flush(30_000), true);
    assert.deepEqual(await storedNames('cut-'), ['cut-1', 'cut-2']);
  });

  describe('wrong credentials', () => {
    it('are reported once, as an error of their own, and not tried in a hot loop', async () => {
      const messages: string[] = [];
      const log = (message: string): void => void messages.push(message);
      diag.setLogger({ error: log, warn: log, info: log, debug: log, verbose: log }, DiagLogLevel.WARN);
      try {
        network.connectTo(server.url);
        const connection = start({ credentials: Realm.Credentials.apiKey('no such key') });
        await eventually('the refusal', () => connection.status.state === 'unauthorized');
        assert.equal(connection.status.lastError?.code, 'login-refused');
        await write(connection, 'refused-1');
        assert.equal(connection.status.spooled, 1);
        await eventually('more of them', () => network.recordings.length > 3, Boolean, 1500).catch(
          () => undefined,
        );
        assert.ok(network.recordings.length <= 3, `${network.recordings.length} requests in 1.5 s`);
        assert.equal(messages.filter((message) => message.includes('login refused')).length, 1);
        assert.ok(!messages.some((message) => message.includes('no such key')));
      } finally {
        diag.disable();
      }
    });

    it('are reported if a function returns nothing', async () => {
      network.connectTo(server.url);
      const connection = start({ credentials: () => null as never });
      await eventually('the refusal', () => connection.status.state === 'unauthorized');
      assert.equal(connection.status.lastError?.code, 'login-refused');
      assert.match(connection.status.lastError.message, /gave null/);
    });

    it('do not stop a function that has better ones later', async () => {
      network.connectTo(server.url);
      let calls = 0;
      const credentials = (): object => {
        calls += 1;
        if (calls === 1) throw new Error('the token service is down');
        return Realm.Credentials.anonymous();
      };
      const connection = start({ credentials });
      assert.equal((await write(connection, 'function-1')).stored, 1);
      assert.equal(await connection.flush(30_000), true);
      assert.equal(calls, 2);
    });
  });

  describe('a server in trouble', () => {
    let stub: Server;

    beforeEach(async () => {
      stub = createServer((_request, response) => {
        response.writeHead(503, { 'content-type': 'application/json' }).end('{"error":"busy"}');
      });
      stub.listen(0, '127.0.0.1');
      await once(stub, 'listening');
    });

    afterEach(() => {
      stub.close();
    });

    it('is not taken for a refusal', async () => {
      network.connectTo(`http://127.0.0.1:${(stub.address() as AddressInfo).port}`);
      const connection = start();
      await eventually('an error', () => connection.status.lastError);
      assert.equal(connection.status.lastError?.code, 'login-failed');
      assert.equal(connection.status.state, 'connecting');
      network.connectTo(server.url);
      network.drop();
      await write(connection, 'trouble-1');
      tryAgain(connection);
      assert.equal(await connection.flush(30_000), true);
    });
  });

  describe('an App or a user of the app', () => {
    it('is used, and a removed user is replaced: its records are counted as lost', async () => {
      network.connectTo(server.url);
      const app = new Realm.App({ id: appId, baseUrl: network.url });
      const connection = connect({
        Realm,
        app,
        credentials: Realm.Credentials.anonymous(),
        directory,
      });
      open.push(connection);
      const codes = new Set<string | undefined>();
      connection.onStatus(({ lastError }) => codes.add(lastError?.code));
      const first = await connection.realm;
      await write(connection, 'removed-1');
      assert.equal(await connection.flush(30_000), true);

      network.cut();
      await write(connection, 'removed-2');
      const user = app.currentUser;
      assert.ok(user);
      await app.removeUser(user).catch(() => undefined); // its farewell to the server fails
      await write(connection, 'removed-3');
      await eventually('the error', () => codes.has('user-removed'));
      assert.deepEqual(connection.status.dropped, { 'user-removed': 1 });
      assert.equal(connection.status.spooled, 1);

      network.connectTo(server.url);
      assert.equal(await connection.flush(30_000), true);
      assert.notEqual(await connection.realm, first);
      assert.deepEqual(await storedNames('removed-'), ['removed-1', 'removed-3']);
    });

    it('is waited for if only the app can log in', async () => {
      network.connectTo(server.url);
      const app = new Realm.App({ id: appId, baseUrl: network.url });
      const user = await app.logIn(Realm.Credentials.anonymous());
      const connection = connect({ Realm, user, directory });
      open.push(connection);
      await write(connection, 'user-1');
      assert.equal(await connection.flush(30_000), true);
      await app.removeUser(user);
      await write(connection, 'user-2');
      await eventually('the state', () => connection.status.state === 'unauthorized');
      assert.equal(connection.status.spooled, 1);
    });
  });

  describe('close()', () => {
    it('refuses and counts later records, and may be called twice', async () => {
      const connection = start();
      await write(connection, 'closed-1');
      await Promise.all([connection.close(), connection.close()]);
      assert.equal(connection.status.state, 'closed');
      const outcome = await write(connection, 'closed-2', 'closed-3');
      assert.equal(outcome.failed, 2);
      assert.equal(outcome.error?.code, 'connection-closed');
      assert.deepEqual(connection.status.dropped, { 'connection-closed': 2 });
    });

    it('stores records that were written before it', async () => {
      const connection = start();
      const writing = write(connection, 'closing-1');
      await connection.close();
      assert.deepEqual(await writing, { stored: 1, failed: 0 });
    });

    it('does not let a flush succeed while records are unacknowledged', async () => {
      network.connectTo(server.url);
      const connection = start();
      await connection.realm;
      assert.equal(await connection.flush(), true);
      network.cut();
      await write(connection, 'left behind');
      const flushing = connection.flush(60_000);
      await connection.close();
      assert.equal(await flushing, false);
      const late = connection.flush(60_000);
      assert.ok(await settledWithin(late, 15_000), 'nothing can arrive any more: nothing is waited for');
      assert.equal(await late, false);
      connection.pause();
      connection.resume();
      assert.equal(connection.status.unsynced, 1, 'the status stays at what was left');
    });

    it('rejects a Realm that was never open, and leaves no rejection unhandled', async () => {
      const unhandled: unknown[] = [];
      const note = (reason: unknown): void => void unhandled.push(reason);
      process.on('unhandledRejection', note);
      try {
        const connection = start();
        void connection.realm;
        await connection.close();
        await new Promise((resolve) => setTimeout(resolve, 20));
        await assert.rejects(connection.realm, { code: 'connection-closed' });
        assert.deepEqual(unhandled, []);
      } finally {
        process.off('unhandledRejection', note);
      }
    });

    it("follows the last exporter's shutdown, after the acknowledgement if there is a server", async () => {
      network.connectTo(server.url);
      const connection = start();
      const target = connection[recordTarget];
      target.retain();
      target.retain();
      await connection.realm;
      await write(connection, 'last-1');
      await target.release(1000);
      assert.notEqual(connection.status.state, 'closed');
      await eventually('the session', () => connection.status.state === 'connected');
      await target.release(30_000);
      assert.equal(connection.status.state, 'closed');
      assert.deepEqual(await storedNames('last-'), ['last-1']);
    });

    it('waits for a first attempt that is under way, so that a short program delivers', async () => {
      network.connectTo(server.url);
      const connection = start();
      const target = connection[recordTarget];
      target.retain();
      await write(connection, 'short-1');
      await target.release(30_000);
      const { state, acknowledged, lastError } = connection.status;
      assert.deepEqual(
        { state, acknowledged, lastError, stored: await storedNames('short-') },
        { state: 'closed', acknowledged: 1, lastError: undefined, stored: ['short-1'] },
      );
    });

    it('logs how many records remain, once', async () => {
      const messages: string[] = [];
      const log = (message: string): void => void messages.push(message);
      diag.setLogger(
        { error: log, warn: log, info: log, debug: log, verbose: log },
        { logLevel: DiagLogLevel.INFO, suppressOverrideMessage: true },
      );
      try {
        const connection = start();
        await write(connection, 'remains-1', 'remains-2', 'remains-3');
        await Promise.all([connection.close(), connection.close()]);
        const remaining = messages.filter((message) => message.includes('no server has acknowledged'));
        assert.equal(remaining.length, 1);
        assert.match(remaining[0] ?? '', /3 records that no server has acknowledged remain/);
        assert.match(
          remaining[0] ?? '',
          engineName === 'native' ? /next start of this service/ : /in memory/,
        );
      } finally {
        diag.disable();
      }
    });

    it('does not wait for a server that is known to be out of reach', async () => {
      const connection = start();
      const target = connection[recordTarget];
      target.retain();
      await write(connection, 'unreachable-1');
      await eventually('the failure', () => connection.status.lastError?.code === 'login-failed');
      const begun = performance.now();
      await target.release(60_000);
      assert.equal(connection.status.state, 'closed');
      assert.ok(performance.now() - begun < 30_000);
    });
  });

  describe('a device whose disk is full', () => {
    it('stores records that still fit into its files, and closes them', async () => {
      network.connectTo(server.url);
      // The engine's files are in memory: as if the spool were seen on the disk, so that a mark is made.
      sinon.stub(nodeFiles, 'exists').callsFake((path) => path.endsWith('spool.realm') || existsSync(path));
      directory = join(directory, 'full');
      const connection = start({ Realm: disguised('12.15.0', () => undefined), directory });
      const realm = await connection.realm;
      assert.equal(connection.status.durable, true);

      sinon.stub(nodeFiles, 'write').throws(new Error('ENOSPC: no space left on device'));
      assert.deepEqual(await write(connection, 'fits'), { stored: 1, failed: 0 });
      assert.deepEqual(connection.status.dropped, {});
      network.cut();
      assert.deepEqual(await write(connection, 'fits too'), { stored: 1, failed: 0 });
      const flushing = connection.flush(60_000);
      await connection.close();
      assert.equal(realm.isClosed, true);
      assert.equal(await flushing, false, 'and at once');
      assert.match(connection.status.lastError?.message ?? '', /closing: ENOSPC/);
    });
  });

  it('lets Realm compact files if the engine does that safely', async () => {
    network.connectTo(server.url);
    const configs: { path?: string; shouldCompact?: (totalBytes: number, usedBytes: number) => boolean }[] =
      [];
    const connection = start({ Realm: disguised('12.15.0', (config) => configs.push(config)) });
    await connection.realm;
    assert.deepEqual(
      configs.map(({ path = '' }) => /(spool|user-.*)\.realm$/.exec(path)?.[1]?.slice(0, 5)),
      ['spool', 'user-'],
    );
    for (const { shouldCompact } of configs) {
      assert.equal(shouldCompact?.(100 * 2 ** 20, 10 * 2 ** 20), true, 'most of it is free');
      assert.equal(shouldCompact(100 * 2 ** 20, 70 * 2 ** 20), false, 'most of it is in use');
      assert.equal(shouldCompact(2 * 2 ** 20, 0), false, 'it is small');
      assert.equal(shouldCompact(300 * 2 ** 20, 90 * 2 ** 20), false, 'copying it would take long');
    }
    const plain: object[] = [];
    await start({ Realm: disguised('12.0.0', (config) => plain.push(config), 'WebAssembly') }).realm;
    assert.ok(plain.length === 2 && plain.every((config) => !('shouldCompact' in config)));
  });

  it('warns once that the WebAssembly engine forgets with the process', async function () {
    if (engineName === 'native') skip(this, 'the native engine keeps its files');
    const connection = start();
    await write(connection, 'memory-1');
    assert.equal(connection.status.durable, false);
  });

  it('suppresses tracing at every call into Realm, whatever context is active', async () => {
    const unsuppressed = new Set<string>();
    const seen = new Set<string>();
    const contextManager = new AsyncLocalStorageContextManager().enable();
    context.setGlobalContextManager(contextManager);
    try {
      network.connectTo(server.url);
      const span = trace.wrapSpanContext({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 });
      const note = (name: string): void => {
        seen.add(name);
        if (!isTracingSuppressed(context.active())) unsuppressed.add(name);
      };
      await context.with(trace.setSpan(context.active(), span), async () => {
        const connection = start({ Realm: watched(note) });
        await write(connection, 'suppressed-1');
        assert.equal(await connection.flush(30_000), true);
        connection.pause();
        connection.resume();
        await connection.close();
      });
    } finally {
      context.disable();
      contextManager.disable();
    }
    for (const name of [
      'new App',
      'logIn',
      'new Realm',
      'write',
      'uploadAllLocalChanges',
      'pause',
      'close',
    ]) {
      assert.ok(seen.has(name), name);
    }
    assert.deepEqual([...unsuppressed], []);
  });
});

/** The Realm class as another version of it, noting what Realms are opened with. */
function disguised(
  sdkVersion: string,
  note: (config: object) => void,
  frameworkName = 'Node.js',
): typeof Realm {
  const App = new Proxy(Realm.App, {
    get: (target, name): unknown =>
      name === 'deviceInfo' ? { sdkVersion, frameworkName } : Reflect.get(target, name),
  });
  return new Proxy(Realm, {
    construct(target, values: ConstructorParameters<typeof Realm>) {
      note(values[0] ?? {});
      return new target(...values);
    },
    get: (target, name, receiver): unknown => (name === 'App' ? App : Reflect.get(target, name, receiver)),
  });
}

/** The Realm class, noting every call by which it could begin to speak to the network. */
function watched(note: (name: string) => void): typeof Realm {
  const noteCalls = <T extends object>(target: T, names: readonly string[]): T => {
    for (const name of names) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') continue;
      Object.defineProperty(target, name, {
        value: (...values: unknown[]): unknown => {
          note(name);
          return Reflect.apply(method, target, values);
        },
      });
    }
    return target;
  };
  const App = new Proxy(Realm.App, {
    construct(target, values: [string]) {
      note('new App');
      return noteCalls(new target(...values), ['logIn']);
    },
  });
  return new Proxy(Realm, {
    construct(target, values: ConstructorParameters<typeof Realm>) {
      note('new Realm');
      const realm = noteCalls(new target(...values), ['write', 'close']);
      const session = realm.syncSession;
      if (session !== null)
        noteCalls(session, ['pause', 'resume', 'uploadAllLocalChanges', 'addConnectionNotification']);
      return realm;
    },
    get: (target, name, receiver): unknown => (name === 'App' ? App : Reflect.get(target, name, receiver)),
  });
}
