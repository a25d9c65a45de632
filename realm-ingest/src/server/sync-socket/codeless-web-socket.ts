import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import type { Transport } from '../../sync/transport.js';

/**
 * A WebSocket that never sends a close code of its own: nearly all of them send native clients away for an hour, and
 * 1009 costs them their unsent records (sync protocol, section 2.6). Where `ws` would fail a connection with a code, it
 * ends the TCP connection, and the client is back in a second. A peer's own orderly CLOSE is echoed.
 */
export class CodelessWebSocket extends WebSocket {
  override close(code?: number, data?: string | Buffer): void {
    if (code === undefined || code === 1000) super.close(code, data);
    else this.terminate();
  }
}

/** What {@link MessageGate} does for the way to a client. */
interface Gate extends Duplex {
  hold(): void;
  release(): void;
  endAfterFlush(): void;
}

/** The way to a client over a WebSocket. */
export function createTransport(webSocket: WebSocket, gate: Gate): Transport {
  return {
    send: (message) => {
      // Failure to send is the end of the connection, which 'close' reports.
      if (webSocket.readyState === WebSocket.OPEN) webSocket.send(message, { binary: true }, () => undefined);
    },
    get outgoingBytes() {
      return webSocket.bufferedAmount;
    },
    pause: () => {
      gate.hold();
    },
    resume: () => {
      gate.release();
    },
    end: () => {
      gate.endAfterFlush();
    },
    terminate: () => {
      webSocket.terminate();
    },
  };
}
