import type { Recording } from './network.js';
import { readFrames } from './web-socket-frames.js';

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
  let parts: Buffer[] = [];
  for (const { opcode, isFinal, payload } of readFrames(stream.subarray(stream.indexOf('\r\n\r\n') + 4))) {
    if (opcode > 2) continue; // ping, pong, close
    parts.push(payload);
    if (!isFinal) continue;
    yield Buffer.concat(parts);
    parts = [];
  }
}
