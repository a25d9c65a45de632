import type { Socket } from 'node:net';
import { Dialogue, type Message, type Segment } from './message-reader.js';
import { Pace } from './pace.js';
import { resetConnection } from '../../support/reset-connection.js';

/** One of the two ends of a connection. */
export type Side = 'client' | 'server';

/** Something that is to happen at a place within one message. */
export interface Strike {
  readonly where: 'before' | 'inside' | 'after';
  /** For `inside`: after so much of the message's bytes, from 0 to 1. */
  readonly part: number;
  /** The message, and all behind it, wait until it resolves. */
  act(link: Link): Promise<void>;
}

/** Asked about each message before its first byte passes. */
export type Interceptor = (message: Message, from: Side) => Strike | undefined;

/** One connection of a client through a proxy to a server, and what can be done to it. */
export class Link {
  readonly pace = new Pace();
  readonly #sockets: Record<Side, Socket>;
  readonly #interceptor: Interceptor;
  readonly #dialogue = new Dialogue();
  /** Sides whose bytes do not pass any more. */
  readonly #muted = new Set<Side>();
  /** Resolves when both directions have ended. */
  readonly closed: Promise<void>;

  /**
   * @param client - the accepted socket
   * @param server - the socket that dials the server; both half-open at will
   */
  constructor(client: Socket, server: Socket, interceptor: Interceptor) {
    this.#sockets = { client, server };
    this.#interceptor = interceptor;
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined); // the loops below see it
    }
    this.closed = Promise.all([this.#carry('client', 'server'), this.#carry('server', 'client')]).then(() => {
      client.destroy();
      server.destroy();
    });
  }

  /** RST to both sides. */
  reset(): void {
    for (const side of ['client', 'server'] as const) resetConnection(this.#sockets[side]);
  }

  /** FIN to both sides; nothing passes any more. */
  end(): void {
    this.mute('client');
    this.mute('server');
    this.#sockets.client.end();
    this.#sockets.server.end();
  }

  /** FIN to one side; what that one says still passes. */
  halfClose(toward: Side): void {
    this.mute(toward === 'client' ? 'server' : 'client');
    this.#sockets[toward].end();
  }

  /** Nothing of one side passes any more; it is read, and forgotten. */
  mute(side: Side): void {
    this.#muted.add(side);
  }

  async #carry(from: Side, to: Side): Promise<void> {
    const reader = from === 'client' ? this.#dialogue.fromClient : this.#dialogue.fromServer;
    const arriving: { strike: Strike | undefined; passed: number } = { strike: undefined, passed: 0 };
    try {
      const chunks = this.#sockets[from].iterator({ destroyOnReturn: false });
      for await (const chunk of chunks as AsyncIterable<Buffer>) {
        for (const segment of reader.read(chunk)) {
          if (segment.begins) {
            arriving.strike = this.#isMuted(from) ? undefined : this.#interceptor(segment.message, from);
            arriving.passed = 0;
          }
          await this.#pass(segment, arriving, from, to);
        }
      }
      await this.#write(reader.takeRest(), from, to);
      if (!this.#isMuted(from)) this.#sockets[to].end();
    } catch (error) {
      this.reset();
      // One side was reset, by us or by itself; anything else is a fault of this code.
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  }

  async #pass(
    { message, bytes, begins, ends }: Segment,
    arriving: { strike: Strike | undefined; passed: number },
    from: Side,
    to: Side,
  ): Promise<void> {
    const { strike, passed } = arriving;
    arriving.passed += bytes.length;
    if (strike === undefined) {
      await this.#write(bytes, from, to);
      return;
    }
    if (strike.where === 'before' && begins) await strike.act(this);
    if (strike.where === 'inside') {
      const cut = Math.min(message.bytes - 1, Math.max(1, Math.round(strike.part * message.bytes)));
      if (passed < cut && cut <= passed + bytes.length) {
        await this.#write(bytes.subarray(0, cut - passed), from, to);
        await strike.act(this);
        await this.#write(bytes.subarray(cut - passed), from, to);
        return;
      }
    }
    await this.#write(bytes, from, to);
    if (strike.where === 'after' && ends) await strike.act(this);
  }

  async #write(bytes: Buffer, from: Side, to: Side): Promise<void> {
    for await (const piece of this.pace.pieces(bytes)) {
      if (this.#isMuted(from)) return;
      await new Promise<void>((resolve, reject) => {
        this.#sockets[to].write(piece, (error) => {
          if (error) reject(error);
          else resolve();
        });
      });
    }
  }

  #isMuted(side: Side): boolean {
    return this.#muted.has(side);
  }
}
