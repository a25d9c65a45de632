import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Suite } from 'mocha';
import { describeSkipped } from '../skip.js';
import { describeMongodb, mongodbUri } from './test-database.js';
import { resetConnection } from '../reset-connection.js';

/** A command of the wire protocol, as far as tests look at it. */
export interface WireCommand {
  /** `insert`, `find`, `update`, … */
  readonly name: string;
  /** The command's collection; empty if it has none. */
  readonly collection: string;
}

/** A command that does not get on: what follows it on its connection waits behind it. */
export interface HeldCommand extends WireCommand {
  /** Lets it pass. */
  release(): void;
}

/**
 * The point at which a command is held: before the server receives it, or after it has executed it, with the answer on its way
 * back.
 */
export type HoldPoint = 'request' | 'answer';

interface Hold {
  readonly point: HoldPoint;
  readonly matches: (command: WireCommand) => boolean;
  readonly resolve: (held: HeldCommand) => void;
}

/**
 * Between a driver and a MongoDB server: holds single commands at a point that tests know, ends every connection, or
 * lets everything vanish without a word.
 */
export class MongodbProxy {
  /** With the database's name and options, and as the only way to the server. */
  readonly uri: string;
  readonly #listener: Server;
  readonly #links = new Set<Link>();
  readonly #holds: Hold[] = [];
  #state: 'open' | 'cut' | 'silent' = 'open';

  private constructor(listener: Server, uri: URL) {
    this.#listener = listener;
    const { hostname, port } = uri;
    listener.on('connection', (client) => {
      if (this.#state === 'cut') resetConnection(client);
      else this.#join(client, { host: hostname, port: port === '' ? 27017 : Number(port) });
    });
    const own = new URL(uri);
    own.hostname = '127.0.0.1';
    own.port = String((listener.address() as AddressInfo).port);
    own.searchParams.set('directConnection', 'true');
    this.uri = own.href;
  }

  /** @param uri - one for which {@link proxyMissing} finds nothing missing */
  static async create(uri: string): Promise<MongodbProxy> {
    const listener = createServer();
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return new MongodbProxy(listener, new URL(uri));
  }

  /** Resolves when the next command of that kind is held. */
  hold(matches: (command: WireCommand) => boolean, point: HoldPoint = 'request'): Promise<HeldCommand> {
    return new Promise((resolve) => {
      this.#holds.push({ point, matches, resolve });
    });
  }

  /** Ends every connection, with a reset or in order, and refuses new ones until {@link restore}. */
  cut(by: 'RST' | 'FIN' = 'RST'): void {
    this.#state = 'cut';
    for (const link of this.#links) {
      if (by === 'RST') link.reset();
      else link.end();
    }
  }

  /** Ends every connection in order, with a FIN, as a proxy does that ends idle ones. New ones get through. */
  end(): void {
    for (const link of this.#links) link.end();
  }

  /**
   * From now on nothing gets through, and neither side notices: not that connections are gone, and not that new ones lead
   * nowhere. Those of now and of the time until {@link restore} never come back.
   */
  silence(): void {
    this.#state = 'silent';
    for (const link of this.#links) link.lose();
  }

  /** New connections get through again. */
  restore(): void {
    this.#state = 'open';
  }

  async close(): Promise<void> {
    this.cut();
    this.#listener.close();
    await once(this.#listener, 'close');
  }

  #join(client: Socket, server: { host: string; port: number }): void {
    const link = new Link(client, connect(server), (command) => this.#takeHold(command));
    this.#links.add(link);
    client.on('close', () => this.#links.delete(link));
    if (this.#state === 'silent') link.lose();
  }

  #takeHold(command: WireCommand): Hold | undefined {
    const place = this.#holds.findIndex(({ matches }) => matches(command));
    return place < 0 ? undefined : this.#holds.splice(place, 1)[0];
  }
}

/** One connection through the proxy. */
class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #takeHold: (command: WireCommand) => Hold | undefined;
  #requests = Buffer.alloc(0);
  #isHeld = false;

  constructor(client: Socket, server: Socket, takeHold: (command: WireCommand) => Hold | undefined) {
    this.#client = client;
    this.#server = server;
    this.#takeHold = takeHold;
    client.on('data', (bytes) => {
      this.#requests = Buffer.concat([this.#requests, bytes]);
      this.#forward();
    });
    server.on('data', (bytes) => client.write(bytes));
    for (const socket of [client, server]) {
      socket.on('error', () => undefined); // 'close' follows
      socket.on('close', () => {
        client.destroy();
        server.destroy();
      });
    }
  }

  reset(): void {
    for (const socket of [this.#client, this.#server]) resetConnection(socket);
  }

  /** The client is told with a FIN, and answers that are on their way are lost. */
  end(): void {
    this.#server.removeAllListeners('data').resume();
    this.#client.end();
  }

  /** Bytes of either side are dropped. */
  lose(): void {
    for (const socket of [this.#client, this.#server]) socket.removeAllListeners('data').pause();
  }

  /** Forwards the complete messages that have arrived, up to the one to hold. */
  #forward(): void {
    while (!this.#isHeld && this.#requests.length >= 4) {
      const length = this.#requests.readInt32LE(0);
      if (this.#requests.length < length) return;
      const message = this.#requests.subarray(0, length);
      this.#requests = this.#requests.subarray(length);
      const command = readCommand(message);
      const hold = command && this.#takeHold(command);
      if (hold === undefined) this.#server.write(message);
      else if (hold.point === 'request') this.#holdRequest(command!, message, hold);
      else this.#holdAnswer(command!, message, hold);
    }
  }

  #holdRequest(command: WireCommand, message: Buffer, { resolve }: Hold): void {
    this.#isHeld = true;
    const release = (): void => {
      this.#isHeld = false;
      this.#server.write(message);
      this.#forward();
    };
    resolve({ ...command, release });
  }

  #holdAnswer(command: WireCommand, message: Buffer, { resolve }: Hold): void {
    this.#server.removeAllListeners('data');
    this.#server.once('data', (answer) => {
      this.#server.pause();
      const release = (): void => {
        this.#client.write(answer);
        this.#server.on('data', (bytes) => this.#client.write(bytes)).resume();
      };
      resolve({ ...command, release });
    });
    this.#server.write(message);
  }
}

const opMsg = 2013;

/** The first field of an OP_MSG's document is the command. MongoDB wire protocol, OP_MSG, section kind 0. */
function readCommand(message: Buffer): WireCommand | undefined {
  if (message.readInt32LE(12) !== opMsg) return undefined;
  // 16 bytes of header, 4 of flags, the section's kind, the document's length.
  const typeAt = 16 + 4 + 1 + 4;
  const nameEnd = message.indexOf(0, typeAt + 1);
  const name = message.toString('latin1', typeAt + 1, nameEnd);
  if (message[typeAt] !== 0x02) return { name, collection: '' };
  const textLength = message.readInt32LE(nameEnd + 1) - 1;
  return { name, collection: message.toString('utf8', nameEnd + 5, nameEnd + 5 + textLength) };
}

/** A suite with a proxy before the server that tests are given. It is skipped if no proxy can stand there. */
export function describeProxiedMongodb(title: string, suite: (this: Suite) => void): void {
  const missing = proxyMissing(mongodbUri ?? '');
  if (missing === undefined || mongodbUri === undefined) describeMongodb(title, suite);
  else describeSkipped(title, missing, suite);
}

/** Why a proxy cannot stand before a server; undefined if it can. */
export function proxyMissing(uri: string): string | undefined {
  if (!uri.startsWith('mongodb://')) return 'a proxy does not know what is behind mongodb+srv';
  if (uri.slice('mongodb://'.length).split('/', 1)[0]!.includes(',')) return 'a proxy leads to one host';
  if (/[?&](tls|ssl)=true/iu.test(uri)) return 'a proxy cannot read TLS';
  return undefined;
}
