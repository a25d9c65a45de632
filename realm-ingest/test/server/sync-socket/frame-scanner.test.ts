import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FrameScanner, type OversizedMessage } from '../../../src/server/sync-socket/frame-scanner.js';
import { frame, opcodes } from '../../support/client-frames.js';

/** Everything that a scanner said of a stream. */
interface Scan {
  passed: Buffer;
  receivedBytes: number;
  /** How much had been passed when each message was said to be complete. */
  completed: number[];
  oversized: OversizedMessage[];
}

function scan(chunks: readonly Buffer[], maxMessageBytes = 1000): Scan {
  const result: Scan = { passed: Buffer.alloc(0), receivedBytes: 0, completed: [], oversized: [] };
  const scanner = new FrameScanner(maxMessageBytes);
  for (const event of chunks.flatMap((chunk) => [...scanner.scan(chunk)])) {
    if (event.type === 'oversized') {
      result.oversized.push(event);
      continue;
    }
    if (event.isData) result.receivedBytes += event.bytes.length;
    if (event.endsMessage) result.completed.push(result.passed.length);
    result.passed = Buffer.concat([result.passed, event.bytes]);
  }
  return result;
}

const bytesOf = (length: number): Buffer => Buffer.alloc(length, 'upload 7 0 1000 0 8 1 1 ');

describe('frame scanner', () => {
  it('passes every frame on, byte for byte, wherever the stream is cut', () => {
    const stream = Buffer.concat([
      frame('mark 1 2\n'),
      frame('', { opcode: opcodes.ping }),
      frame(bytesOf(300)),
      frame('', { opcode: opcodes.text }),
      frame('first ', { final: false }),
      frame('hello', { opcode: opcodes.ping }),
      frame('second', { opcode: opcodes.continuation, mask: undefined }),
      frame('', { opcode: opcodes.close }),
      frame('reserved', { opcode: 5 }),
    ]);
    for (let cut = 0; cut <= stream.length; cut += 1) {
      const { passed, oversized, completed } = scan([stream.subarray(0, cut), stream.subarray(cut)]);
      assert.deepEqual(passed, stream, `cut at ${cut}`);
      assert.deepEqual(oversized, []);
      assert.equal(completed.length, 4);
    }
    const byByte = scan([...stream].map((byte) => Buffer.from([byte])));
    assert.deepEqual(byByte.passed, stream);
    assert.equal(byByte.completed.length, 4);
  });

  it('says that a message is complete before its last byte is passed', () => {
    const messages = [frame('mark 1 2\n'), frame(''), frame(bytesOf(700))];
    const ends = messages.map((_, index) => Buffer.concat(messages.slice(0, index + 1)).length);
    const stream = Buffer.concat(messages);
    for (const chunks of [[stream], [...stream].map((byte) => Buffer.from([byte]))]) {
      const { completed } = scan(chunks);
      assert.equal(completed.length, 3);
      for (const [index, at] of completed.entries()) assert.ok(at < ends[index]!, `message ${index}`);
    }
  });

  it('counts what data messages bring, as it comes', () => {
    const message = frame(bytesOf(500));
    assert.equal(scan([message.subarray(0, 200)]).receivedBytes, 200);
    assert.equal(scan([message]).receivedBytes, message.length);
    assert.equal(scan([frame('hello', { opcode: opcodes.ping })]).receivedBytes, 0);
  });

  it('passes a message of exactly the limit', () => {
    assert.deepEqual(scan([frame(bytesOf(1000))]).oversized, []);
  });

  it('leaves a message above the limit out, says how it begins, and goes on behind it', () => {
    const before = frame('mark 1 1\n');
    const after = frame('mark 1 2\n');
    const large = frame(bytesOf(1001));
    const stream = Buffer.concat([before, large, after]);
    for (let cut = 0; cut <= stream.length; cut += 1) {
      const { passed, oversized, completed, receivedBytes } = scan([
        stream.subarray(0, cut),
        stream.subarray(cut),
      ]);
      assert.deepEqual(passed, Buffer.concat([before, after]), `cut at ${cut}`);
      assert.equal(completed.length, 2);
      assert.equal(receivedBytes, before.length + after.length);
      assert.deepEqual(
        oversized.map(({ beginning, ...rest }) => ({ ...rest, beginning: beginning.toString() })),
        [{ type: 'oversized', announcedBytes: 1001, skipped: true, beginning: bytesOf(64).toString() }],
      );
    }
  });

  it('says so as soon as the beginning is there, and keeps nothing of the rest', () => {
    const header = frame(bytesOf(64), { announcedBytes: 2n ** 62n });
    const { oversized, passed } = scan([header, Buffer.alloc(1_000_000), Buffer.alloc(1_000_000)]);
    assert.equal(oversized.length, 1);
    assert.equal(passed.length, 0);
  });

  it('passes nothing more once a message in several frames exceeds the limit: ws has its beginning', () => {
    const first = frame(bytesOf(600), { final: false });
    const second = frame(bytesOf(401), { opcode: opcodes.continuation });
    const { passed, oversized } = scan([first, second, frame('mark 1 2\n')]);
    assert.deepEqual(passed, first);
    assert.deepEqual(
      oversized.map(({ beginning, ...rest }) => ({ ...rest, beginning: beginning.toString() })),
      [{ type: 'oversized', announcedBytes: 1001, skipped: false, beginning: bytesOf(64).toString() }],
    );
  });

  it('takes any bytes: it never throws, never passes more than came, and says nothing twice', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (chunks) => {
        const { passed, oversized } = scan(
          chunks.map((chunk) => Buffer.from(chunk)),
          64,
        );
        const stream = Buffer.concat(chunks);
        assert.ok(passed.length <= stream.length);
        if (oversized.length === 0) assert.deepEqual(passed, stream.subarray(0, passed.length));
      }),
      { numRuns: 500 },
    );
  });
});
