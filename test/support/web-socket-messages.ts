import type { Recording } from './network.js';

/** The binary messages of a WebSocket connection that was recorded, in the order of each side. */
export interface WebSocketMessages {
  readonly fromClient: readonly Buffer[];
  readonly fromServer: readonly Buffer[];
}

/** Takes a recording apart; undefined if it is not of a WebSocket. RFC 6455, section 5. */
export function toWebSocketMessages(recording: Recording): WebSocketMessages | undefined {
  const [client, server] = [Buffer.concat(recording.fromClient), Buffer.concat(recording.fromServer)];
  if (!server.subarray(0, 12).equals(Buffer.from('HTTP/1.1 101'))) return undefined;
  return { fromClient: [...messagesOf(client)], fromServer: [...messagesOf(server)] };
}

function* messagesOf(stream: Buffer): Generator<Buffer> {
  let offset = stream.indexOf('\r\n\r\n') + 4;
  let parts: Buffer[] = [];
  while (offset + 2 <= stream.length) {
    const [first = 0, second = 0] = stream.subarray(offset, offset + 2);
    offset += 2;
    let length = second & 0x7f;
    if (length === 126) {
      length = stream.readUInt16BE(offset);
      offset += 2;
    } else if (length === 127) {
      length = Number(stream.readBigUInt64BE(offset));
      offset += 8;
    }
    const mask = (second & 0x80) === 0 ? undefined : stream.subarray(offset, (offset += 4));
    if (offset + length > stream.length) return; // cut
    const payload = Buffer.from(stream.subarray(offset, (offset += length)));
    if (mask) for (let i = 0; i < payload.length; i++) payload[i]! ^= mask[i % 4]!;
    const opcode = first & 0x0f;
    if (opcode > 2) continue; // ping, pong, close
    parts.push(payload);
    if ((first & 0x80) === 0) continue;
    yield Buffer.concat(parts);
    parts = [];
  }
}
