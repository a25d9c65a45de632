import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Link, type Interceptor } from './link.js';
import { resetConnection } from '../../support/reset-connection.js';

/**
 * The network between one client and a server that may go away and come back elsewhere: the client keeps this address.
 *
 * It knows the messages that pass, so that something can be done before, inside and after any of them.
 */
export class FaultProxy {
  readonly #listener: Server;
  readonly #interceptor: Interceptor;
  readonly #links = new Set<Link>();
  #serverPort: number | undefined;
  #refusedUntil = 0;

  private constructor(listener: Server, interceptor: Interceptor) {
    this.#listener = listener;
    this.#interceptor = interceptor;
    listener.on('connection', (client) => {
      this.#join(client);
    });
  }

  /** A proxy on its own port without a server: every connection is reset at once. */
  static async create(interceptor: Interceptor): Promise<FaultProxy> {
    const listener = createServer({ allowHalfOpen: true });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return new FaultProxy(listener, interceptor);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#listener.address() as AddressInfo).port}`;
  }

  /** Connections that are open now, oldest first. */
  get links(): readonly Link[] {
    return [...this.#links];
  }

  /** From now on connections go to this port; undefined for none: they are reset. */
  connectTo(serverPort: number | undefined): void {
    this.#serverPort = serverPort;
  }

  /** Resets new connections for a while. */
  refuse(millis: number): void {
    this.#refusedUntil = performance.now() + millis;
  }

  async close(): Promise<void> {
    this.#serverPort = undefined;
    for (const link of this.#links) link.reset();
    this.#listener.close();
    await once(this.#listener, 'close');
  }

  #join(client: Socket): void {
    if (this.#serverPort === undefined || performance.now() < this.#refusedUntil) {
      client.on('error', () => undefined);
      resetConnection(client);
      return;
    }
    const server = connect({ port: this.#serverPort, host: '127.0.0.1', allowHalfOpen: true });
    const link = new Link(client, server, this.#interceptor);
    this.#links.add(link);
    void link.closed.then(() => this.#links.delete(link));
  }
}
