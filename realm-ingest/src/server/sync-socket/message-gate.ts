import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { FrameScanner, type OversizedMessage } from './frame-scanner.js';

export interface MessageGateOptions {
  /** Largest message. Larger ones are skipped. */
  readonly maxMessageBytes: number;
  /** After we end our side, or the peer ends its own: how long the peer may take for the rest, in milliseconds. */
  readonly lingerMillis: number;
}

/** Is told of arriving bytes before `ws` gets them. */
export interface GateReceiver {
  /** Anything arrived. */
  activity(): void;
  /** Bytes of a data message arrived. */
  received(bytes: number): void;
  /** A data message is complete: `ws` will deliver it. */
  completed(): void;
  /** A data message is above the limit: `ws` will not deliver it. */
  oversized(message: OversizedMessage): void;
}

/**
 * Stands between a TCP socket and `ws`. It scans everything that arrives, it can stop reading whatever `ws` does, and it
 * can end the connection after the last message without a close frame.
 */
export class MessageGate extends Duplex {
  readonly #socket: Duplex;
  readonly #lingerMillis: number;
  readonly #scanner: FrameScanner;
  #receiver: GateReceiver | undefined;
  #readingPaused = false;
  /** Whether `ws` wants more. */
  #wanted = false;
  #discarding = false;
  #lingerTimer: NodeJS.Timeout | undefined;

  /** @param head - what arrived after the upgrade request */
  constructor(socket: Duplex, head: Buffer, { maxMessageBytes, lingerMillis }: MessageGateOptions) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#lingerMillis = lingerMillis;
    this.#scanner = new FrameScanner(maxMessageBytes);
    if (isTcp(socket)) {
      socket.setTimeout(0);
      socket.setNoDelay(true);
      socket.setKeepAlive(true, 60_000);
    }
    if (head.length > 0) socket.unshift(head);
    socket.on('data', (chunk: Buffer) => {
      this.#receive(chunk);
    });
    socket.on('end', () => {
      if (this.#discarding) {
        this.destroy();
        return;
      }
      // `ws` then ends our side, which waits until everything is written: for ever, if the peer does not read.
      this.#linger();
      this.push(null);
    });
    // An error of the socket matters only as its end.
    socket.on('error', () => this.destroy());
    socket.on('close', () => this.destroy());
    this.on('error', () => undefined);
    this.#flow();
  }

  /** To be called as soon as `ws` has the gate; what arrives before is dropped. */
  open(receiver: GateReceiver): void {
    this.#receiver = receiver;
  }

  /** Stops reading from the socket. `pause` of a stream would stop only what reads from the gate. */
  pauseReading(): void {
    this.#readingPaused = true;
    this.#flow();
  }

  resumeReading(): void {
    this.#readingPaused = false;
    this.#flow();
  }

  /**
   * Sends what was written, then ends our side. What still arrives is dropped, but read: TCP resets a connection that is
   * destroyed with unread bytes, and its peer might never see our last message.
   */
  endAfterFlush(): void {
    if (this.#discarding || this.destroyed) return;
    this.#discarding = true;
    this.#linger();
    this.#flow();
    this.end();
  }

  override _read(): void {
    this.#wanted = true;
    this.#flow();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#socket.write(chunk, callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#socket.end(() => {
      callback();
    });
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#lingerTimer);
    this.#socket.destroy();
    callback(error);
  }

  #receive(chunk: Buffer): void {
    const receiver = this.#receiver;
    if (this.#discarding || receiver === undefined) return;
    receiver.activity();
    for (const event of this.#scanner.scan(chunk)) {
      if (event.type === 'oversized') {
        receiver.oversized(event);
        continue;
      }
      // Before `ws` gets the bytes: it may deliver the message at once.
      if (event.isData) receiver.received(event.bytes.length);
      if (event.endsMessage) receiver.completed();
      if (!this.push(event.bytes)) this.#wanted = false;
    }
    this.#flow();
  }

  #linger(): void {
    this.#lingerTimer ??= setTimeout(() => this.destroy(), this.#lingerMillis);
  }

  #flow(): void {
    if (this.#discarding || (this.#wanted && !this.#readingPaused)) this.#socket.resume();
    else this.#socket.pause();
  }
}

function isTcp(socket: Duplex): socket is Socket {
  return 'setNoDelay' in socket;
}
