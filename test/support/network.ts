import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { resetConnection } from './reset-connection.js';

/** What went over one connection, in the order in which it came. */
export interface Recording {
  /** Everything that the client sent. */
  readonly fromClient: Buffer[];
  /** Everything that the server sent. */
  readonly fromServer: Buffer[];
}

/**
 * A stretch of network between clients and a server that may be cut, silenced, and moved to another server: clients
 * keep its address when the server behind it changes.
 */
export class Network {
  /** What passed, a recording a connection. */
  readonly recordings: Recording[] = [];

  readonly #listener: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #port: number | undefined;
  #silent = false;
  #bytesPerSecond = Infinity;

  private constructor(listener: Server) {
    this.#listener = listener;
    listener.on('connection', (client) => {
      this.#join(client);
    });
  }

  /** A network on its own port without a server: every connection is refused at once. */
  static async create(): Promise<Network> {
    const listener = createServer();
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return new Network(listener);
  }

  /** The address that clients use. */
  get url(): string {
    return `http://127.0.0.1:${(this.#listener.address() as AddressInfo).port}`;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** From now on connections go to the server at `url`. */
  connectTo(url: string): void {
    this.#port = Number(new URL(url).port);
    this.#silent = false;
  }

  /** Ends every connection, and refuses new ones until `connectTo`. */
  cut(): void {
    this.#port = undefined;
    this.drop();
  }

  /** Ends every connection; new ones get through. */
  drop(): void {
    for (const pair of this.#pairs) for (const socket of pair) resetConnection(socket);
  }

  /** From now on nothing that the server says reaches a client, until `connectTo` and a new connection. */
  silenceServer(): void {
    this.#silent = true;
  }

  /** From now on each connection accepts at most this many bytes a second from its client. */
  throttle(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  async close(): Promise<void> {
    this.cut();
    this.#listener.close();
    await once(this.#listener, 'close');
  }

  #join(client: Socket): void {
    if (this.#port === undefined) {
      resetConnection(client);
      return;
    }
    const server = connect(this.#port, '127.0.0.1');
    const pair = [client, server] as const;
    const recording: Recording = { fromClient: [], fromServer: [] };
    this.#pairs.add(pair);
    this.recordings.push(recording);
    client.on('data', (bytes) => {
      recording.fromClient.push(bytes);
      server.write(bytes);
      if (this.#bytesPerSecond === Infinity) return;
      client.pause();
      setTimeout(() => client.resume(), (bytes.length / this.#bytesPerSecond) * 1000);
    });
    server.on('data', (bytes) => {
      recording.fromServer.push(bytes);
      if (!this.#silent) client.write(bytes);
    });
    for (const socket of pair) {
      socket.on('error', () => undefined); // 'close' follows
      socket.on('close', () => {
        this.#pairs.delete(pair);
        client.destroy();
        server.destroy();
      });
    }
  }
}
