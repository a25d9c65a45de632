/**
 * The WebSocket that the WebAssembly engine syncs through.
 *
 * The engine loses every close event and every failed connect, and would notice either after minutes only; nor does it
 * ask for a new access token when its old one is refused. So this socket does what the native engine does by itself:
 * it dials until it gets through, with a fresh token after a 401, and turns an unasked close into an error message of
 * the sync protocol that the engine understands: "come back at once".
 *
 * @module
 */
import WebSocket from 'ws';
import { untraced } from './untraced.mjs';

const redialMillis = 250;

/** A close that the engine did not ask for, as a `json_error` 101 of the connection. */
const comeBack = encodeError({
  tryAgain: true,
  message: 'connection closed',
  logURL: '',
  shouldClientReset: false,
  isRecoveryModeDisabled: false,
  action: 'Transient',
  backoffIntervalSec: 0,
  backoffMaxDelaySec: 1,
  backoffMultiplier: 1,
});

/**
 * @param findUser - returns the Realm.User of an access token, if there is one
 * @returns a class to be set as `globalThis.WebSocket`
 */
export function createSocketClass(findUser) {
  return class EngineWebSocket {
    static CONNECTING = 0;
    static OPEN = 1;
    static CLOSING = 2;
    static CLOSED = 3;

    binaryType = 'arraybuffer';
    readyState = EngineWebSocket.CONNECTING;
    onopen = null;
    onmessage = null;
    // The engine sets these two; they are never called.
    onclose = null;
    onerror = null;

    #url;
    #protocols;
    #socket;
    #timer;

    constructor(url, protocols = []) {
      this.#url = new URL(url);
      this.#protocols = protocols;
      this.#dial();
    }

    get url() {
      return this.#url.href;
    }

    get protocol() {
      return this.#socket.protocol;
    }

    get bufferedAmount() {
      return this.#socket.bufferedAmount;
    }

    send(data) {
      if (this.readyState !== EngineWebSocket.OPEN) return;
      this.#socket.send(Buffer.from(data)); // a copy: the engine's memory changes under it
    }

    close(code, reason) {
      if (this.readyState >= EngineWebSocket.CLOSING) return;
      this.readyState = EngineWebSocket.CLOSED;
      clearTimeout(this.#timer);
      this.#socket.close(code || 1000, reason);
    }

    #dial() {
      const socket = untraced(() => new WebSocket(this.#url, this.#protocols, { perMessageDeflate: false }));
      let refused;
      socket.binaryType = 'arraybuffer';
      socket.on('unexpected-response', (request, response) => {
        refused = response.statusCode;
        request.destroy();
        socket.terminate();
      });
      socket.on('error', () => undefined); // 'close' follows
      socket.on('open', () => this.#opened());
      socket.on('message', (data) => {
        if (this.readyState === EngineWebSocket.OPEN) this.onmessage?.({ data, target: this });
      });
      socket.on('close', () => this.#closed(refused));
      this.#socket = socket;
    }

    #opened() {
      if (this.readyState !== EngineWebSocket.CONNECTING) return;
      this.readyState = EngineWebSocket.OPEN;
      this.onopen?.({ target: this });
    }

    #closed(refused) {
      if (this.readyState === EngineWebSocket.OPEN) {
        this.readyState = EngineWebSocket.CLOSING; // nothing can be sent any more; the engine will call close()
        this.onmessage?.({ data: comeBack.slice(0), target: this });
      } else if (this.readyState === EngineWebSocket.CONNECTING) {
        this.#timer = setTimeout(() => void this.#redial(refused === 401), redialMillis);
      }
    }

    async #redial(refresh) {
      if (refresh) await this.#refreshToken();
      if (this.readyState === EngineWebSocket.CONNECTING) this.#dial();
    }

    async #refreshToken() {
      try {
        const user = findUser(this.#url.searchParams.get('baas_at') ?? '');
        await untraced(() => user?.refreshCustomData());
        if (user?.accessToken) this.#url.searchParams.set('baas_at', user.accessToken);
      } catch {
        // no network, or a server that cannot refresh now: the next dial is refused again and asks anew
      }
    }
  };
}

function encodeError(body) {
  const json = JSON.stringify(body);
  return Uint8Array.from(Buffer.from(`json_error 101 ${Buffer.byteLength(json)} 0\n${json}`)).buffer;
}
