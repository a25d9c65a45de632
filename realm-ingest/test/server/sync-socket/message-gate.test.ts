import assert from 'node:assert/strict';
import { duplexPair, type Duplex } from 'node:stream';
import sinon from 'sinon';
import type { OversizedMessage } from '../../../src/server/sync-socket/frame-scanner.js';
import { MessageGate, type GateReceiver } from '../../../src/server/sync-socket/message-gate.js';
import { frame, opcodes } from '../../support/client-frames.js';
import { settle } from '../../support/client-peer.js';

const lingerMillis = 2000;

/** Keeps what a gate tells, in order. */
class Receiver implements GateReceiver {
  readonly told: string[] = [];
  receivedBytes = 0;

  activity(): void {
    if (this.told.at(-1) !== 'activity') this.told.push('activity');
  }

  received(bytes: number): void {
    this.receivedBytes += bytes;
  }

  completed(): void {
    this.told.push('completed');
  }

  oversized({ announcedBytes, skipped }: OversizedMessage): void {
    this.told.push(`oversized ${announcedBytes} ${skipped ? 'skipped' : 'stopped'}`);
  }
}

describe('message gate', () => {
  let clock: sinon.SinonFakeTimers;
  let peer: Duplex;
  let receiver: Receiver;
  let gate: MessageGate;
  /** What came out of the gate, for `ws`. */
  let passed: Buffer;
  /** What arrived at the peer. */
  let arrived: Buffer;
  let peerEnded: boolean;

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    open();
  });

  afterEach(() => {
    gate.destroy();
    peer.destroy();
    clock.restore();
  });

  function open(head: Buffer = Buffer.alloc(0)): void {
    const [socket, other] = duplexPair({ allowHalfOpen: true });
    peer = other;
    receiver = new Receiver();
    gate = new MessageGate(socket, head, { maxMessageBytes: 1000, lingerMillis });
    [passed, arrived, peerEnded] = [Buffer.alloc(0), Buffer.alloc(0), false];
    // As `ws` does.
    gate.on('data', (bytes: Buffer) => {
      passed = Buffer.concat([passed, bytes]);
    });
    gate.once('end', () => gate.end());
    gate.open(receiver);
    peer
      .on('error', () => undefined)
      .once('end', () => {
        peerEnded = true;
      });
  }

  /** The peer reads everything from now on. */
  function read(): void {
    peer.on('data', (bytes: Buffer) => {
      arrived = Buffer.concat([arrived, bytes]);
    });
  }

  it('passes frames on, and tells of a message before `ws` has its end', async () => {
    const message = frame('mark 1 2\n');
    const pinged = frame('', { opcode: opcodes.ping });
    gate.once('data', () => receiver.told.push('passed'));
    peer.write(message.subarray(0, -1));
    await settle();
    peer.write(Buffer.concat([message.subarray(-1), pinged]));
    await settle();
    assert.deepEqual(passed, Buffer.concat([message, pinged]));
    assert.deepEqual(receiver.told, ['activity', 'passed', 'activity', 'completed']);
    assert.equal(receiver.receivedBytes, message.length, 'control frames are not counted');
  });

  it('takes what arrived in the packet of the upgrade request', async () => {
    gate.destroy();
    const message = frame('mark 1 2\n');
    open(message.subarray(0, 3));
    peer.write(message.subarray(3));
    await settle();
    assert.deepEqual(passed, message);
  });

  it('skips a message above the limit, and goes on after it', async () => {
    const next = frame('mark 1 2\n');
    peer.write(Buffer.concat([frame(Buffer.alloc(1001)), next]));
    await settle();
    assert.deepEqual(passed, next);
    assert.deepEqual(receiver.told, ['activity', 'oversized 1001 skipped', 'completed']);
  });

  it('passes nothing on after a message in several frames that is above the limit', async () => {
    const first = frame(Buffer.alloc(600), { final: false });
    const second = frame(Buffer.alloc(401), { opcode: opcodes.continuation });
    peer.write(Buffer.concat([first, second, frame('mark 1 2\n')]));
    await settle();
    assert.deepEqual(passed, first);
    assert.deepEqual(receiver.told, ['activity', 'oversized 1001 stopped']);
  });

  it('does not read while it is paused, whatever `ws` does', async () => {
    gate.pauseReading();
    const message = frame('mark 1 2\n');
    peer.write(message);
    gate.pause();
    gate.resume();
    await settle();
    assert.deepEqual([passed.length, receiver.told], [0, []]);
    gate.resumeReading();
    await settle();
    assert.deepEqual(passed, message);
  });

  it('does not read more than `ws` takes', async () => {
    gate.pause();
    let written = 0;
    for (const message of Array.from({ length: 1000 }, () => frame(Buffer.alloc(900)))) {
      written += message.length;
      peer.write(message);
    }
    await settle();
    assert.ok(receiver.receivedBytes < written / 2, `${receiver.receivedBytes} of ${written} bytes`);
    gate.resume();
    for (let rounds = 0; rounds < 1000 && passed.length < written; rounds += 1) await settle();
    assert.equal(passed.length, written);
  });

  it('ends after what was written, without a close frame', async () => {
    read();
    gate.write(frame('the last message', { mask: undefined }));
    gate.endAfterFlush();
    await settle();
    assert.deepEqual(arrived, frame('the last message', { mask: undefined }));
    assert.equal(peerEnded, true);
    assert.equal(gate.destroyed, false, 'the peer may still end its side');
    peer.end();
    await settle();
    assert.equal(gate.destroyed, true);
  });

  it('drops what still arrives once it ends, even while it is paused', async () => {
    gate.pauseReading();
    gate.endAfterFlush();
    const sent = frame(Buffer.alloc(900));
    for (let n = 0; n < 1000; n += 1) peer.write(sent);
    for (let rounds = 0; rounds < 1000 && peer.writableLength > 0; rounds += 1) await settle();
    assert.equal(peer.writableLength, 0, 'it is read, so that the connection is not reset');
    assert.deepEqual([passed.length, receiver.told], [0, []]);
  });

  it('does not wait longer than `lingerMillis` for a peer that keeps its side open', async () => {
    read();
    gate.endAfterFlush();
    await settle();
    clock.tick(lingerMillis - 1);
    assert.equal(gate.destroyed, false);
    clock.tick(1);
    assert.equal(gate.destroyed, true);
  });

  it('sends what was written to a peer that has ended its side, then ends', async () => {
    peer.end();
    const bytes = 1_000_000;
    gate.write(Buffer.alloc(bytes));
    await settle();
    read();
    for (let rounds = 0; rounds < 1000 && !gate.destroyed; rounds += 1) await settle();
    assert.equal(arrived.length, bytes);
    assert.equal(gate.destroyed, true);
  });

  it('does not wait longer than that for a peer that has ended its side and never reads', async () => {
    gate.write(Buffer.alloc(1_000_000));
    peer.end();
    await settle();
    clock.tick(lingerMillis - 1);
    assert.equal(gate.destroyed, false);
    clock.tick(1);
    assert.equal(gate.destroyed, true);
  });

  it('ends with its socket', async () => {
    const [socket, other] = duplexPair();
    const broken = new MessageGate(socket, Buffer.alloc(0), { maxMessageBytes: 1000, lingerMillis });
    socket.destroy(new Error('ECONNRESET'));
    await settle();
    assert.equal(broken.destroyed, true);
    other.destroy();
  });
});
