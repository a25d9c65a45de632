import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { FrameScanner, type FrameScannerOptions } from './frame-scanner.js';

export interface MessageGateOptions extends Omit<FrameScannerOptions, 'pass'> {
  /** Anything arrived. */
  activity(): void;
  /** How long the other side may take once one has ended, in milliseconds: a peer to end its own, or to read ours. */
  readonly lingerMillis: number;
}

/**
 * Stands between a TCP socket and `ws`: everything that arrives is scanned first, reading can be stopped whatever `ws`
 * thinks, and the connection can be ended behind the last message without any close frame.
 */
export class MessageGate extends Duplex {
  readonly #socket: Duplex;
  readonly #options: MessageGateOptions;
  readonly #scanner: FrameScanner;
  #held = false;
  #wanted = false;
  #discarding = false;
  #lingerTimer: NodeJS.Timeout | undefined;

  /** @param head - what arrived behind the upgrade request */
  constructor(socket: Duplex, head: Buffer, options: MessageGateOptions) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#options = options;
    this.#scanner = new FrameScanner({
      ...options,
      pass: (bytes) => {
        if (!this.push(bytes)) this.#wanted = false;
      },
    });
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
      // `ws` ends our side, which waits for what was written: for ever, if the peer does not read.
      this.#linger();
      this.push(null);
    });
    // Whatever goes wrong with the socket, its end is all that matters.
    socket.on('error', () => this.destroy());
    socket.on('close', () => this.destroy());
    this.on('error', () => undefined);
    this.#flow();
  }

  /** Stops reading from the socket. */
  hold(): void {
    this.#held = true;
    this.#flow();
  }

  release(): void {
    this.#held = false;
    this.#flow();
  }

  /**
   * Sends what was written, then ends our side; whatever still arrives is thrown away. A connection that were destroyed
   * with unread bytes would be reset, and its peer might never see our last message.
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
    if (this.#discarding) return;
    this.#options.activity();
    this.#scanner.scan(chunk);
    this.#flow();
  }

  #linger(): void {
    this.#lingerTimer ??= setTimeout(() => this.destroy(), this.#options.lingerMillis);
  }

  #flow(): void {
    if (this.#discarding || (this.#wanted && !this.#held)) this.#socket.resume();
    else this.#socket.pause();
  }
}

function isTcp(socket: Duplex): socket is Socket {
  return 'setNoDelay' in socket;
}
