import { WebSocket } from 'ws';

/**
 * A WebSocket that never sends a close code of its own: nearly all of them send native clients away for an hour, and
 * 1009 costs them their unsent records (sync protocol, section 2.6). Where `ws` would send a code, this one ends the TCP
 * connection, and the client is back in a second. A peer's own orderly CLOSE is echoed.
 */
export class TerminatingWebSocket extends WebSocket {
  override close(code?: number, data?: string | Buffer): void {
    if (code === undefined || code === 1000) super.close(code, data);
    else this.terminate();
  }
}
