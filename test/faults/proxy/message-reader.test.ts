import assert from 'node:assert/strict';
import { Dialogue, type MessageReader, type Segment } from './message-reader.js';

/** What goes over one connection: [who says it, its bytes, what it is]. */
type Line = readonly [from: 'client' | 'server', bytes: Buffer, kind: string];

const text = (lines: string[], body = ''): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);

const conversation: readonly Line[] = [
  ['client', text(['GET /api/client/v2.0/app/a/location HTTP/1.1', 'Host: x']), 'location request'],
  ['server', text(['HTTP/1.1 200 OK', 'Content-Length: 2'], '{}'), 'location answer'],
  [
    'client',
    text(
      ['POST /api/client/v2.0/app/a/auth/providers/anon-user/login HTTP/1.1', 'content-length: 4'],
      '{ }\n',
    ),
    'log-in request',
  ],
  [
    'server',
    text(['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'], '3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n'),
    'log-in answer',
  ],
  ['client', text(['GET /api/client/v2.0/app/a/realm-sync?baas_at=t HTTP/1.1']), 'upgrade request'],
  ['server', text(['HTTP/1.1 101 Switching Protocols']), 'upgrade answer'],
  ['client', frame('bind 1 0 0 1 0\n', { mask: true }), 'BIND'],
  ['server', frame('ident 1 77 123456\n'), 'file ident'],
  ['client', frame('ident 1 77 123456 0 0 0 0 0 2\n{}', { mask: true }), 'IDENT'],
  ['server', frame('download 1 1 0 1 999 0 0 0 1 0 0 12 0\n1 0 0 1 0 0 '), 'bootstrap'],
  ['client', frame('mark 1 2\n', { mask: true }), 'MARK'],
  ['server', frame('mark 1 2\n'), 'MARK answer'],
  ['client', frame('upload 1 0 0 0 8 1 1\n', { mask: true }), 'progress report'],
  ['client', frame(`upload 1 0 200 0 10 1 1\n${'x'.repeat(200)}`, { mask: true }), 'UPLOAD'],
  ['client', frame(`upload 1 0 70000 0 10 1 1\n${'x'.repeat(70_000)}`, { mask: true }), 'UPLOAD'],
  ['server', frame('download 1 2 10 2 999 10 1 0 1 0 0 0 0\n'), 'acknowledgement'],
  ['client', frame('ping 1 0\n', { mask: true }), 'PING'],
  ['server', frame('pong 1\n'), 'PONG'],
  ['server', frame('json_error 201 2 1\n{}'), 'server error'],
  ['client', frame('unbind 1\n', { mask: true }), 'UNBIND'],
  ['server', frame('unbound 1\n'), 'UNBOUND'],
  ['client', frame('', { mask: true, opcode: 8 }), 'client frame'],
];

describe('the message reader of the fault proxy', () => {
  it('names every message, and gives its bytes as they came', () => {
    const dialogue = new Dialogue();
    for (const [from, bytes, kind] of conversation) {
      const segments = read(dialogue, from, [bytes]);
      assert.deepEqual(
        segments.map(({ message, begins, ends }) => ({ ...message, begins, ends })),
        [{ kind, bytes: bytes.length, begins: true, ends: true }],
      );
      assert.ok(segments[0]?.bytes.equals(bytes), kind);
    }
  });

  for (const size of [1, 2, 3, 7, 64, 1000]) {
    it(`does so when they arrive ${size} byte(s) at a time`, () => {
      const dialogue = new Dialogue();
      for (const [from, bytes, kind] of conversation) {
        const segments = read(dialogue, from, piecesOf(bytes, size));
        assert.ok(Buffer.concat(segments.map((segment) => segment.bytes)).equals(bytes), kind);
        assert.deepEqual(
          [...new Set(segments.map(({ message }) => message))],
          [{ kind, bytes: bytes.length }],
        );
        assert.deepEqual(
          [segments.findLastIndex(({ begins }) => begins), segments.findIndex(({ ends }) => ends)],
          [0, segments.length - 1],
        );
      }
    });
  }

  it('does so when several arrive at once', () => {
    const dialogue = new Dialogue();
    for (const [from, bytes] of conversation.slice(0, 6)) read(dialogue, from, [bytes]);
    const frames = conversation.slice(6).filter(([from]) => from === 'client');
    const segments = read(dialogue, 'client', [Buffer.concat(frames.map(([, bytes]) => bytes))]);
    assert.deepEqual(
      segments.map(({ message }) => message.kind),
      frames.map(([, , kind]) => kind),
    );
  });

  it('drops an incomplete message when its connection ends', () => {
    const dialogue = new Dialogue();
    assert.deepEqual(read(dialogue, 'client', [Buffer.from('GET / HT')]), []);
    assert.equal(dialogue.fromClient.takeRest().toString(), 'GET / HT');
  });
});

function read(dialogue: Dialogue, from: 'client' | 'server', chunks: readonly Buffer[]): Segment[] {
  const reader: MessageReader = from === 'client' ? dialogue.fromClient : dialogue.fromServer;
  return chunks.flatMap((chunk) => [...reader.read(chunk)]);
}

function piecesOf(bytes: Buffer, size: number): Buffer[] {
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, n) => bytes.subarray(n * size, (n + 1) * size));
}

/** One WebSocket frame, the last of its message. */
function frame(payload: string, { mask = false, opcode = 2 } = {}): Buffer {
  const length = payload.length;
  const header = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  header[0] = 0x80 | opcode;
  header[1] = (mask ? 0x80 : 0) | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (header.length === 4) header.writeUInt16BE(length, 2);
  if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2);
  if (!mask) return Buffer.concat([header, Buffer.from(payload)]);
  const key = Buffer.from([1, 2, 3, 250]);
  const masked = Buffer.from(payload).map((byte, index) => byte ^ (key[index % 4] ?? 0));
  return Buffer.concat([header, key, masked]);
}
