import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { useFakeTimers, type SinonFakeTimers } from 'sinon';
import { WebSocket } from 'ws';
import { SyncEndpoint } from '../../../src/server/sync-socket/sync-endpoint.js';
import type { SyncLimits } from '../../../src/sync/sync-limits.js';
import * as client from '../../support/client-message.js';
import { RecordingLogger } from '../../../../test/support/server/recording-logger.js';
import { MemoryPipeline } from '../../support/memory-pipeline.js';
import { frame, opcodes, upgradeRequest } from '../../support/client-frames.js';
import { RawSyncClient } from '../../support/raw-sync-client.js';

const offersOf = (highest: number, separator: string, prefix = 'com.mongodb.realm-query-sync'): string =>
  Array.from({ length: highest - 1 }, (_, index) => `${prefix}${separator}${highest - index}`).join(', ');

describe('sync endpoint', () => {
  let server: Server;
  let endpoint: SyncEndpoint;
  let pipeline: MemoryPipeline;
  let logger: RecordingLogger;
  let port: number;
  const clients: RawSyncClient[] = [];

  async function listen(limits: Partial<SyncLimits> = {}): Promise<void> {
    pipeline = new MemoryPipeline();
    logger = new RecordingLogger();
    endpoint = new SyncEndpoint({ pipeline, limits, logger });
    server = createServer();
    server.on('upgrade', (request, socket, head) => {
      endpoint.handleUpgrade(request, socket, head, { userId: 'user-1' });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  }

  async function open(options?: Parameters<typeof RawSyncClient.open>[1]): Promise<RawSyncClient> {
    const raw = await RawSyncClient.open(port, options);
    clients.push(raw);
    return raw;
  }

  function connect(): RawSyncClient {
    const raw = new RawSyncClient(port);
    clients.push(raw);
    return raw;
  }

  /** A connection whose sessions may upload. */
  async function openSessions(...sessions: number[]): Promise<RawSyncClient> {
    const raw = await open();
    for (const session of sessions) {
      raw.send(
        client.bind({ session, needFileIdent: false }),
        client.ident({ session, fileIdent: 70 + session, salt: 123456, scanServerVersion: 1 }),
      );
    }
    await echo(raw, sessions.at(-1)!);
    return raw;
  }

  /** Proves that the server still talks to a session. */
  async function echo(raw: RawSyncClient, session: number): Promise<void> {
    const before = raw.messages.filter(({ type }) => type === 'mark').length;
    raw.send(client.mark(5, session));
    await raw.until(() => raw.messages.filter(({ type }) => type === 'mark').length > before, 'the echo');
  }

  /** The connection ended by TCP alone: no close code ever. */
  async function endsWithoutCode(raw: RawSyncClient): Promise<void> {
    await raw.until(() => raw.ended || raw.closed, 'the end');
    assert.equal(raw.frames.filter(({ opcode }) => opcode === opcodes.close).length, 0);
    raw.destroy();
    await raw.until(() => endpoint.connectionCount === 0, 'the server to let go');
  }

  const errorsOf = (raw: RawSyncClient): (string | undefined)[][] =>
    raw.messages.filter(({ type }) => type === 'json_error').map(({ fields }) => [fields[0], fields[2]]);

  afterEach(async () => {
    for (const raw of clients.splice(0)) raw.destroy();
    await endpoint.shutdown(0);
    server.close();
    assert.equal(endpoint.connectionCount, 0);
    assert.equal(endpoint.inflightBytes, 0, 'no byte is counted for ever');
  });

  describe('upgrade', () => {
    beforeEach(() => listen());

    it('gives old clients their slash back, and talks to them', async () => {
      const raw = await open({ subprotocol: offersOf(7, '/') });
      assert.match(raw.head ?? '', /^Sec-WebSocket-Protocol: com\.mongodb\.realm-query-sync\/7$/m);
      raw.send(client.bind());
      await raw.until(() => raw.messages.length > 0);
      assert.deepEqual(raw.messages[0]?.fields, ['1', '77', '123456']);
    });

    it('chooses the highest offer, and no extension', async () => {
      const offers = offersOf(14, '#').split(', ');
      const webSocket = new WebSocket(`ws://127.0.0.1:${port}/`, offers, { perMessageDeflate: true });
      await once(webSocket, 'open');
      assert.equal(webSocket.protocol, 'com.mongodb.realm-query-sync#14');
      assert.equal(webSocket.extensions, '');
      webSocket.send(client.ping(42));
      const [data, isBinary] = (await once(webSocket, 'message')) as [Buffer, boolean];
      assert.deepEqual([data.toString(), isBinary], ['pong 42\n', true]);
      webSocket.terminate();
      await once(webSocket, 'close');
    });

    for (const [what, offers, body] of [
      ['too new', offersOf(15, '#'), 'REALM_SYNC_PROTOCOL_MISMATCH:CLIENT_TOO_NEW'],
      ['too old', offersOf(6, '/'), 'REALM_SYNC_PROTOCOL_MISMATCH:CLIENT_TOO_OLD'],
      ['partition-based', offersOf(14, '#', 'com.mongodb.realm-sync'), /partition/],
      ['of something else', 'mqtt', /no Device Sync protocol/],
    ] as const) {
      it(`refuses offers ${what} with 400, never with 101`, async () => {
        const raw = connect();
        raw.write(upgradeRequest(offers));
        await raw.until(() => raw.ended);
        assert.match(raw.head ?? '', /^HTTP\/1\.1 400 /);
        if (typeof body === 'string') assert.equal(raw.body, body);
        else assert.match(raw.body, body);
        assert.equal(endpoint.connectionCount, 0);
      });
    }

    it('leaves a handshake that is none to ws', async () => {
      const raw = connect();
      raw.write(
        upgradeRequest(offersOf(14, '#')).replace('Sec-WebSocket-Version: 13', 'Sec-WebSocket-Version: 7'),
      );
      await raw.until(() => raw.ended);
      assert.match(raw.head ?? '', /^HTTP\/1\.1 400 /);
      assert.equal(endpoint.connectionCount, 0);
    });

    it('takes messages that came in the packet of the request', async () => {
      const raw = await open({ behind: Buffer.concat([frame(client.ping(1)), frame(client.bind())]) });
      await raw.until(() => raw.messages.length === 2);
      assert.deepEqual(
        raw.messages.map(({ type }) => type),
        ['pong', 'ident'],
      );
    });
  });

  it('refuses connections above the limit with 503, until one has gone', async () => {
    await listen({ maxConnections: 1 });
    const first = await open();
    const second = connect();
    second.write(upgradeRequest(offersOf(14, '#')));
    await second.until(() => second.ended);
    assert.match(second.head ?? '', /^HTTP\/1\.1 503 /);
    first.destroy();
    await second.until(() => endpoint.connectionCount === 0);
    await open();
  });

  describe('hostile clients', () => {
    beforeEach(() => listen({ maxMessageBytes: 2000, maxOutgoingBytes: 50_000 }));

    it('a text frame: connection error 103, then the end', async () => {
      const raw = await open();
      raw.sendFrame('mark 1 2\n', { opcode: opcodes.text });
      await endsWithoutCode(raw);
      assert.deepEqual(errorsOf(raw), [['103', '0']]);
    });

    for (const [what, bytes] of [
      ['a frame without a mask', frame('mark 1 2\n', { mask: undefined })],
      ['a reserved opcode', frame('x', { opcode: 3 })],
      ['a control frame that is too long', frame(Buffer.alloc(200), { opcode: opcodes.ping })],
      ['text that is not UTF-8', frame(Buffer.from([0xff, 0xfe]), { opcode: opcodes.text })],
      ['a continuation of nothing', frame('x', { opcode: opcodes.continuation })],
      ['a compressed frame', Buffer.concat([Buffer.from([0xc2]), frame('x').subarray(1)])],
      ['an invalid close code', frame(Buffer.from([0, 1]), { opcode: opcodes.close })],
      ['close code 1009', frame(Buffer.from([0x03, 0xf1]), { opcode: opcodes.close })],
    ] as const) {
      it(`${what}: the end of TCP, without a close code`, async () => {
        const raw = await open();
        raw.write(bytes);
        await endsWithoutCode(raw);
      });
    }

    it('an orderly CLOSE is echoed', async () => {
      const raw = await open();
      raw.sendFrame(Buffer.from([0x03, 0xe8]), { opcode: opcodes.close });
      await raw.until(() => raw.frames.length > 0);
      assert.deepEqual(raw.frames, [{ opcode: opcodes.close, payload: Buffer.from([0x03, 0xe8]) }]);
    });

    it('garbage hurts nobody else', async () => {
      const seed = Number(process.env.TEST_SEED ?? Date.now() % 1e9);
      const next = randomBytesOf(seed);
      const witness = await openSessions(1);
      for (let round = 0; round < 50; round += 1) {
        const raw = await open();
        raw.send(client.bind());
        const kind = round % 3;
        if (kind === 0) raw.write(next(300));
        else if (kind === 1) raw.send(next(100));
        else raw.send(mutate(client.upload({ changesets: [{ clientVersion: 10, bytes: next(20) }] }), next));
        raw.socket.end();
        await raw.until(() => raw.ended || raw.closed, `round ${round} of seed ${seed}: the end`);
        const codes = raw.frames.filter(({ opcode }) => opcode === opcodes.close);
        assert.deepEqual(
          codes.filter(({ payload }) => payload.length > 0 && payload.readUInt16BE(0) !== 1000),
          [],
          `seed ${seed}`,
        );
        raw.destroy();
      }
      await echo(witness, 1);
      assert.deepEqual(
        logger.lines.filter(({ level }) => level === 'error'),
        [],
        `seed ${seed}`,
      );
    });

    it('a peer that ends its side without CLOSE, as native clients do, is let go', async () => {
      const raw = await openSessions(1);
      raw.socket.end();
      await endsWithoutCode(raw);
    });

    it('a peer that ends its side behind a CLOSE in the packet of its request is let go', async () => {
      const raw = connect();
      const close = frame(Buffer.from([0x03, 0xe8]), { opcode: opcodes.close });
      raw.socket.end(Buffer.concat([Buffer.from(upgradeRequest(offersOf(14, '#'))), close]));
      await raw.until(() => raw.closed, 'the end');
      assert.deepEqual(
        raw.frames.map(({ opcode }) => opcode),
        [opcodes.close],
      );
      assert.equal(endpoint.connectionCount, 0);
    });

    it('a peer that resets the connection is let go', async () => {
      const raw = await openSessions(1);
      raw.socket.resetAndDestroy();
      await raw.until(() => endpoint.connectionCount === 0);
    });

    it('a client that sends and never reads is cut off', async () => {
      const raw = await openSessions(1);
      raw.socket.pause();
      // Each is answered with three times its size, until the buffers of both ends of TCP are full.
      for (let version = 1; endpoint.connectionCount > 0 && version < 1_000_000; version += 5000) {
        const queries = Array.from({ length: 5000 }, (_, index) =>
          client.query({ queryVersion: version + index }),
        );
        raw.write(Buffer.concat(queries.map((query) => frame(query))));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await raw.until(() => endpoint.connectionCount === 0, 'the server to let go');
      assert.match(JSON.stringify(logger.at('warn')), /does not read/);
    });
  });

  describe('warns of what any peer can repeat once a kind and minute, with the number of events:', () => {
    let clock: SinonFakeTimers;
    beforeEach(async () => {
      await listen({ maxConnections: 1 });
      clock = useFakeTimers({ now: Date.now(), toFake: ['performance'] });
    });
    afterEach(() => {
      clock.restore();
    });

    async function refused(offers: string): Promise<void> {
      const raw = connect();
      raw.write(upgradeRequest(offers));
      await raw.until(() => raw.ended, 'the refusal');
    }

    async function breaks(bytes: Uint8Array): Promise<void> {
      const raw = await open();
      raw.write(bytes);
      await endsWithoutCode(raw);
    }

    it('connections above the limit', async () => {
      await open();
      for (let n = 0; n < 4; n += 1) {
        if (n === 3) clock.tick(60_000);
        await refused(offersOf(14, '#'));
      }
      const message = 'sync connection refused: too many are open';
      assert.deepEqual(
        logger.lines,
        [1, 3].map((events) => ({ level: 'warn', message, fields: { maxConnections: 1, events } })),
      );
    });

    it('no common protocol, each reason on its own', async () => {
      const [tooNew, tooOld] = [offersOf(15, '#'), offersOf(6, '/')];
      for (const offers of [tooNew, tooNew, tooOld, tooNew]) await refused(offers);
      clock.tick(60_000);
      await refused(tooNew);
      const message = 'sync connection refused: no common protocol';
      assert.deepEqual(
        logger.lines,
        [
          { reason: 'client-too-new', events: 1 },
          { reason: 'client-too-old', events: 1 },
          { reason: 'client-too-new', events: 3 },
        ].map((fields) => ({ level: 'warn', message, fields })),
      );
    });

    it('breaches of the WebSocket protocol, each on its own', async () => {
      const unmasked = frame('mark 1 2\n', { mask: undefined });
      const reserved = frame('x', { opcode: 3 });
      for (const bytes of [unmasked, unmasked, reserved, unmasked]) await breaks(bytes);
      clock.tick(60_000);
      await breaks(unmasked);
      assert.deepEqual(
        logger.at('warn').map(({ fields, message }) => {
          const { err, userId, events } = fields as { err: { code: string }; userId: string; events: number };
          assert.match(message, /broke the WebSocket protocol/);
          return [err.code, userId, events];
        }),
        [
          ['WS_ERR_EXPECTED_MASK', 'user-1', 1],
          ['WS_ERR_INVALID_OPCODE', 'user-1', 1],
          ['WS_ERR_EXPECTED_MASK', 'user-1', 3],
        ],
      );
    });
  });

  describe('a message above --max-message-bytes', () => {
    beforeEach(() => listen({ maxMessageBytes: 100_000 }));
    const changesets = [{ clientVersion: 10, bytes: Buffer.alloc(1_000_000, 'x') }];

    it('is refused to its session; the connection goes on, and nothing of it is kept', async () => {
      const raw = await openSessions(1, 2);
      const message = frame(client.upload({ session: 1, changesets, compress: false }));
      raw.write(message.subarray(0, 500_000));
      await raw.until(() => errorsOf(raw).length > 0, 'the error');
      assert.ok(endpoint.inflightBytes < 1000, `${endpoint.inflightBytes} bytes held`);
      raw.write(message.subarray(500_000));
      await echo(raw, 2);
      assert.deepEqual(errorsOf(raw), [['201', '1']]);
      const json = raw.messages.find(({ type }) => type === 'json_error')?.json;
      assert.equal(json?.action, 'ApplicationBug');
      assert.equal(json.tryAgain, false);
      assert.match(String(json.message), /--max-message-bytes is 100000/);
      assert.match(JSON.stringify(logger.at('error')), /session ended/);

      raw.send(client.unbind(1), client.bind({ session: 1, needFileIdent: false }));
      raw.send(client.ident({ session: 1, fileIdent: 71, salt: 123456, scanServerVersion: 1 }));
      await echo(raw, 1);
    });

    it('in several frames ends the connection behind the refusal', async () => {
      const raw = await openSessions(1);
      const message = Buffer.from(client.upload({ session: 1, changesets, compress: false }));
      raw.sendFrame(message.subarray(0, 60_000), { final: false });
      raw.sendFrame(message.subarray(60_000, 120_000), { final: false, opcode: opcodes.continuation });
      await raw.until(() => raw.ended, 'the end');
      assert.deepEqual(errorsOf(raw), [
        ['201', '1'],
        ['101', '0'],
      ]);
      await endsWithoutCode(raw);
    });

    it('that names no session is a syntax error', async () => {
      const raw = await openSessions(1);
      raw.send(Buffer.alloc(200_000, 'x'));
      await endsWithoutCode(raw);
      assert.deepEqual(errorsOf(raw), [['103', '0']]);
    });

    it('just below it, is taken, in one frame or in several', async () => {
      const raw = await openSessions(1);
      const size = 100_000 - client.uploadBody([{ clientVersion: 10, size: 99_000 }]).length;
      const exact = [{ clientVersion: 10, bytes: Buffer.alloc(size, 'x') }];
      raw.send(client.upload({ changesets: exact, compress: false }));
      await raw.until(() => raw.messages.some(({ type }) => type === 'download'), 'the acknowledgement');
      const message = client.upload({ changesets: [{ clientVersion: 11, bytes: Buffer.alloc(50_000) }] });
      raw.sendFrame(message.subarray(0, 10), { final: false });
      raw.sendFrame(message.subarray(10), { opcode: opcodes.continuation });
      await raw.until(() => raw.messages.filter(({ type }) => type === 'download').length === 2);
      assert.deepEqual(pipeline.commits, [[10n], [11n]]);
    });
  });

  describe('with its in-flight budget used up', () => {
    it('a message larger than the budget still arrives', async () => {
      await listen({ maxInflightBytes: 100_000 });
      const raw = await openSessions(1);
      const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 7919) % 251));
      raw.send(client.upload({ changesets: [{ clientVersion: 10, bytes }], compress: false }));
      await raw.until(() => pipeline.commits.length === 1, 'the commit');
      assert.deepEqual([...pipeline.stored.keys()], [bytes.toString('latin1')]);
      await echo(raw, 1);
    });

    it('those that send more wait for the commit, and then go on', async () => {
      await listen({ maxInflightBytes: 100_000 });
      const goOn = await holdUpAfterIdent();
      const [a, b] = goOn.raws;
      a!.send(
        client.upload({ changesets: [{ clientVersion: 10, bytes: Buffer.alloc(120_000) }], compress: false }),
      );
      await a!.until(() => endpoint.inflightBytes > 120_000, 'the bytes to be counted');
      b!.send(client.mark(1));
      b!.send(
        client.upload({ changesets: [{ clientVersion: 10, bytes: Buffer.alloc(500_000) }], compress: false }),
      );
      await b!.until(() => b!.messages.some(({ fields }) => fields[1] === '1'));
      const held = endpoint.inflightBytes;
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(endpoint.inflightBytes, held);
      assert.ok(held < 400_000, `${held} bytes held`);
      goOn.release();
      await b!.until(() => pipeline.commits.length === 2, 'both commits');
    });

    it('who waits too long is told to come back later, and gives up what it holds', async () => {
      await listen({ maxInflightBytes: 100_000, holdBackMillis: 100 });
      const goOn = await holdUpAfterIdent();
      const [a, b] = goOn.raws;
      a!.send(
        client.upload({ changesets: [{ clientVersion: 10, bytes: Buffer.alloc(120_000) }], compress: false }),
      );
      await a!.until(() => endpoint.inflightBytes > 120_000);
      b!.write(
        frame(
          client.upload({
            changesets: [{ clientVersion: 10, bytes: Buffer.alloc(90_000) }],
            compress: false,
          }),
        ).subarray(0, 50_000),
      );
      await b!.until(() => b!.ended, 'the end');
      assert.deepEqual(errorsOf(b!), [['101', '0']]);
      b!.destroy();
      goOn.release();
      await a!.until(() => pipeline.commits.length === 1);
      await a!.until(() => endpoint.inflightBytes === 0);
    });

    it('who vanishes while it waits is noticed within that time, and gives up what it holds', async () => {
      await listen({ maxInflightBytes: 100_000, holdBackMillis: 300 });
      const goOn = await holdUpAfterIdent();
      const [a, b] = goOn.raws;
      const changesets = [{ clientVersion: 10, bytes: Buffer.alloc(120_000) }];
      a!.send(client.upload({ changesets, compress: false }));
      await a!.until(() => endpoint.inflightBytes > 120_000);
      b!.write(frame(client.upload({ changesets, compress: false })).subarray(0, 50_000));
      await b!.until(() => endpoint.heldBackCount === 2, 'both to be held back');
      const held = endpoint.inflightBytes;
      b!.destroy();
      await b!.until(() => endpoint.inflightBytes < held, 'its bytes to be given up');
      a!.destroy();
      await b!.until(() => endpoint.connectionCount === 0, 'both to be noticed');
      goOn.release();
      await a!.until(() => endpoint.inflightBytes === 0);
    });

    it('who has ended its side while it waits is let go within that time, and gives up what it holds', async () => {
      await listen({ maxInflightBytes: 100_000, holdBackMillis: 2000 });
      const goOn = await holdUpAfterIdent();
      const [a, b] = goOn.raws;
      const changesets = [{ clientVersion: 10, bytes: Buffer.alloc(120_000) }];
      a!.send(client.upload({ changesets, compress: false }));
      await a!.until(() => endpoint.inflightBytes > 120_000);
      // More than Node reads from a socket that is paused: its end stands behind bytes that nobody reads.
      b!.socket.end(
        frame(
          client.upload({
            changesets: [{ clientVersion: 10, bytes: Buffer.alloc(400_000) }],
            compress: false,
          }),
        ),
      );
      await b!.until(() => endpoint.heldBackCount === 2, 'both to be held back');
      await b!.until(() => b!.closed, 'the end');
      await b!.until(() => endpoint.connectionCount === 1, 'the server to know of it');
      goOn.release();
      await a!.until(() => endpoint.inflightBytes === 0);
    });

    /** Two connections that may upload, and a store that does not answer. */
    async function holdUpAfterIdent(): Promise<{ raws: RawSyncClient[]; release: () => void }> {
      const raws = [await openSessions(1), await openSessions(1)];
      return { raws, release: pipeline.holdUp() };
    }
  });

  it('ends connections of which nothing is heard', async () => {
    await listen({ silenceMillis: 100 });
    const raw = await openSessions(1);
    await endsWithoutCode(raw);
    assert.deepEqual(errorsOf(raw), []);
  });

  it('answers PING of the WebSocket', async () => {
    await listen();
    const raw = await open();
    raw.sendFrame('hello', { opcode: opcodes.ping });
    await raw.until(() => raw.frames.length > 0);
    assert.deepEqual(raw.frames, [{ opcode: opcodes.pong, payload: Buffer.from('hello') }]);
  });

  describe('shutdown', () => {
    beforeEach(() => listen());

    it('commits and acknowledges what was uploaded, tells clients to come back, and ends TCP', async () => {
      const raw = await openSessions(1);
      const goOn = pipeline.holdUp();
      raw.send(client.upload({ changesets: [{ clientVersion: 10 }] }));
      await raw.until(() => pipeline.attempts === 1);
      let done = false;
      const shutdown = endpoint.shutdown(15_000).then(() => (done = true));

      const late = connect();
      late.write(upgradeRequest(offersOf(14, '#')));
      await late.until(() => late.ended);
      assert.match(late.head ?? '', /^HTTP\/1\.1 503 /);
      assert.equal(done, false);

      goOn();
      await raw.until(() => raw.ended, 'the end');
      assert.deepEqual(
        raw.messages.slice(-2).map(({ type, fields }) => [type, fields[0]]),
        [
          ['download', '1'],
          ['json_error', '101'],
        ],
      );
      await endsWithoutCode(raw);
      await shutdown;
    });

    it('gives up after its time what the store does not take', async () => {
      const raw = await openSessions(1);
      const goOn = pipeline.holdUp();
      raw.send(client.upload({ changesets: [{ clientVersion: 10 }] }));
      raw.send(client.upload({ changesets: [{ clientVersion: 11 }] }));
      await raw.until(() => pipeline.attempts === 1);
      const shutdown = endpoint.shutdown(50);
      await endsWithoutCode(raw);
      await shutdown;
      assert.deepEqual(errorsOf(raw), [['101', '0']]);
      goOn();
      await raw.until(() => endpoint.inflightBytes === 0);
      assert.deepEqual(pipeline.commits, [[10n]]);
    });

    it('does not wait for peers that keep their side open', async () => {
      const raw = await openSessions(1);
      let isTimeOver = false;
      const timer = setTimeout(() => (isTimeOver = true), 14_000);
      await endpoint.shutdown(15_000);
      clearTimeout(timer);
      assert.equal(isTimeOver, false, 'it took its whole time');
      assert.equal(raw.ended, true);
    });

    it('of an idle endpoint is over at once', async () => {
      await endpoint.shutdown(15_000);
    });
  });
});

/** Bytes of a small generator, the same for the same seed. */
function randomBytesOf(seed: number): (count: number) => Uint8Array {
  let state = (seed % 2147483646) + 1;
  return (count) =>
    Uint8Array.from({ length: count }, () => {
      state = (state * 48271) % 2147483647;
      return state & 0xff;
    });
}

/** Changes one byte. */
function mutate(bytes: Uint8Array, next: (count: number) => Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes);
  const [position = 0, value = 0] = next(2);
  changed[position % changed.length] = value;
  return changed;
}
