/** The least of a sync client that logs in, opens a file and uploads: protocol 14, over a real WebSocket. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { WebSocket, type ClientOptions } from 'ws';

export interface Login {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly user_id: string;
}

/**
 * For requests beside much other work: `fetch` keeps connections, and a server closes one that was idle for five seconds,
 * maybe while the next request is on its way.
 */
export const ownConnection = { headers: { connection: 'close' } } as const;

export async function logIn(
  url: string,
  appId: string,
  body: object = { provider: 'anon-user' },
): Promise<Login> {
  const { provider } = body as { provider: string };
  const response = await fetch(`${url}/api/client/v2.0/app/${appId}/auth/providers/${provider}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...ownConnection.headers },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as Login;
}

/** Status of an upgrade that is refused, or 101. */
export async function upgradeStatus(
  url: string,
  path: string,
  protocols: string[] = [subprotocol],
): Promise<{ status: number; type: string | undefined; body: string }> {
  const socket = new WebSocket(url.replace('http', 'ws') + path, protocols);
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      socket.terminate();
      resolve({ status: 101, type: undefined, body: '' });
    });
    socket.once('unexpected-response', (_request, response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'], body });
      });
    });
    socket.once('error', reject);
  });
}

const subprotocol = 'com.mongodb.realm-query-sync#14';

/** What a client file knows of itself. */
export interface ClientFileState {
  readonly ident: string;
  readonly salt: string;
  /** The last versions received with an acknowledgement or a bootstrap. A bootstrap does not change the client's. */
  readonly serverVersion: string;
  readonly clientVersion: string;
}

export class SyncClient {
  readonly #socket: WebSocket;
  readonly #received: string[] = [];
  #read = 0;
  /** Resolves when the TCP connection has ended. */
  readonly closed: Promise<unknown>;
  #file: ClientFileState = { ident: '0', salt: '0', serverVersion: '0', clientVersion: '0' };

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.closed = once(socket, 'close');
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => {
      this.#received.push(data.toString('latin1'));
      socket.emit('received');
    });
  }

  /**
   * Connects, and goes as far as the first MARK: uploads may follow.
   *
   * @param options - `file`: to go on with, or with a copy of; default: a new one
   */
  static async open(
    url: string,
    appId: string,
    accessToken: string,
    { file, ...options }: ClientOptions & { file?: ClientFileState } = {},
  ): Promise<SyncClient> {
    const path = `/api/client/v2.0/app/${appId}/realm-sync?baas_at=${accessToken}`;
    const socket = new WebSocket(url.replace('http', 'ws') + path, [subprotocol], options);
    const client = new SyncClient(socket);
    await once(socket, 'open');
    client.send(`bind 1 0 0 ${file === undefined ? 1 : 0} 0\n`);
    if (file === undefined) {
      const [, , ident = '', salt = ''] = (await client.receive('ident')).split(/[ \n]/);
      client.#file = { ident, salt, serverVersion: '0', clientVersion: '0' };
    } else {
      client.#file = file;
    }
    const { ident, salt, serverVersion, clientVersion } = client.#file;
    client.send(`ident 1 ${ident} ${salt} ${serverVersion} ${clientVersion} ${serverVersion} 0 0 2\n{}`);
    if (serverVersion === '0') await client.receive('download');
    client.send('mark 1 2\n');
    await client.receive('mark');
    return client;
  }

  /** What the file of this client would hold now. */
  get file(): ClientFileState {
    const last = this.#received.filter((message) => message.startsWith('download ')).at(-1);
    const [, , serverVersion, clientVersion] = last?.split(' ') ?? [];
    if (serverVersion === undefined || clientVersion === undefined) return this.#file;
    return { ...this.#file, serverVersion, clientVersion };
  }

  send(header: string, body: Uint8Array = new Uint8Array(0)): void {
    this.#socket.send(Buffer.concat([Buffer.from(header, 'latin1'), body]));
  }

  /** Uploads one changeset, without waiting. */
  upload(clientVersion: number, changeset: Uint8Array): void {
    const entry = Buffer.from(`${clientVersion} 1 0 0 ${changeset.length} `);
    const body = Buffer.concat([entry, changeset]);
    this.send(`upload 1 0 ${body.length} 0 ${clientVersion} 1 1\n`, body);
  }

  /** The next message; undefined once the connection has ended. */
  async next(): Promise<string | undefined> {
    while (this.#received.length === this.#read) {
      if (this.#socket.readyState === WebSocket.CLOSED) return undefined;
      await Promise.race([once(this.#socket, 'received'), this.closed]);
    }
    this.#read += 1;
    return this.#received[this.#read - 1];
  }

  /** The next message, which is of the type given. */
  async receive(type: string): Promise<string> {
    while (this.#received.length === this.#read) await once(this.#socket, 'received');
    const message = this.#received[this.#read]!;
    this.#read += 1;
    assert.equal(message.split(' ', 1)[0], type, message);
    return message;
  }

  /** Resolves when a client version is acknowledged. Fails if any other message arrives before that. */
  async acknowledgement(clientVersion: number): Promise<void> {
    while (this.acknowledged < clientVersion) await this.receive('download');
  }

  /** Client versions acknowledged so far. */
  get acknowledged(): number {
    return Math.max(
      0,
      ...this.#received
        .filter((message) => message.startsWith('download '))
        .map((message) => Number(message.split(' ')[6])),
    );
  }

  /** Stops reading, and does not close. */
  stopReading(): void {
    this.#socket.pause();
  }

  terminate(): void {
    this.#socket.terminate();
  }
}
