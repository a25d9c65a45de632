import { createConnection, type Socket } from 'node:net';
import { receive, type ReceivedMessage } from './client-message.js';
import { readFrames } from '../../../test/support/web-socket-frames.js';
import { frame, opcodes, upgradeRequest, type FrameOptions } from './client-frames.js';

/** A client without a WebSocket library: it sends any bytes, valid frames or not, and records what it receives. */
export class RawSyncClient {
  readonly socket: Socket;
  /** The server ended its side. */
  ended = false;
  closed = false;
  #received = Buffer.alloc(0);

  constructor(port: number) {
    this.socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    this.socket.on('end', () => {
      this.ended = true;
    });
    this.socket.on('close', () => {
      this.closed = true;
    });
    this.socket.on('error', () => undefined);
  }

  /** Opens a sync connection, with `behind` in the packet of the request. */
  static async open(
    port: number,
    { subprotocol = 'com.mongodb.realm-query-sync#14', behind = Buffer.alloc(0) } = {},
  ): Promise<RawSyncClient> {
    const client = new RawSyncClient(port);
    client.write(Buffer.concat([Buffer.from(upgradeRequest(subprotocol)), behind]));
    await client.until(() => client.head !== undefined);
    if (!client.head?.startsWith('HTTP/1.1 101 ')) throw new Error(`refused: ${client.head}`);
    return client;
  }

  /** The answer to the upgrade request, up to its empty line. */
  get head(): string | undefined {
    const end = this.#received.indexOf('\r\n\r\n');
    return end < 0 ? undefined : this.#received.subarray(0, end).toString('latin1');
  }

  /** What came behind the answer's head, as text. */
  get body(): string {
    return this.#behindHead().toString('utf8');
  }

  /** The sync messages received, taken apart. */
  get messages(): ReceivedMessage[] {
    return this.frames
      .filter(({ opcode }) => opcode === opcodes.binary)
      .map(({ payload }) => receive(payload));
  }

  get frames(): { opcode: number; payload: Buffer }[] {
    return [...readFrames(this.#behindHead())].map(({ opcode, payload }) => ({ opcode, payload }));
  }

  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  /** Sends sync messages, a frame each. */
  send(...messages: Uint8Array[]): void {
    for (const message of messages) this.write(frame(message));
  }

  sendFrame(payload: Uint8Array | string, options: FrameOptions): void {
    this.write(frame(payload, options));
  }

  /** Resolves once a condition holds; it is looked at every few milliseconds. */
  async until(condition: () => boolean, what = 'the condition'): Promise<void> {
    const deadline = Date.now() + 15_000;
    while (!condition()) {
      if (Date.now() > deadline) throw new Error(`${what} did not come true within 15 s; got ${this.body}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  destroy(): void {
    this.socket.destroy();
  }

  #behindHead(): Buffer {
    return this.#received.subarray(this.#received.indexOf('\r\n\r\n') + 4);
  }
}
