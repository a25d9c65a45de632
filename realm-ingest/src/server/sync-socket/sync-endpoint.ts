/**
 * The WebSocket side of sync: upgrade requests in, connections of the sync protocol behind them.
 *
 * Source: sync protocol, sections 2 and 8.2.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { LogThrottle } from '../../log-throttle.js';
import type { Logger } from '../../logger.js';
import { chooseProtocol } from '../../protocol/subprotocol.js';
import type { ProtocolVersion } from '../../protocol/messages.js';
import { ProtocolError } from '../../protocol/protocol-error.js';
import { connectionErrors } from '../../protocol/wire-codes.js';
import { settlesWithin } from '../../settles-within.js';
import { AdoptedFiles } from '../../sync/adopted-files.js';
import { Connection } from '../../sync/connection.js';
import { ErrorLog } from '../../sync/error-log.js';
import { InflightBudget, type BudgetAccount, type MessageHold } from '../../sync/inflight-budget.js';
import { SyncError } from '../../sync/sync-error.js';
import type { SyncHost } from '../../sync/sync-host.js';
import { defaultSyncLimits, type SyncLimits } from '../../sync/sync-limits.js';
import type { SyncObserver } from '../../sync/sync-observer.js';
import { Arrivals } from './arrivals.js';
import type { OversizedMessage } from './frame-scanner.js';
import { MessageGate } from './message-gate.js';
import { refuseUpgrade } from './refuse-upgrade.js';
import { CodelessWebSocket, createTransport } from './codeless-web-socket.js';

export interface SyncEndpointOptions {
  readonly host: SyncHost;
  /** What is left out is as in `defaultSyncLimits`. */
  readonly limits?: Partial<SyncLimits>;
  readonly logger: Logger;
  readonly observer?: SyncObserver;
}

export interface SyncEndpoint {
  /**
   * Takes an upgrade request over whose path and token were found good. Answers 400 without a protocol that both sides
   * speak, 503 above the connection limit and during shutdown. Never throws.
   */
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    user: { readonly userId: string },
  ): void;
  /**
   * Takes nothing new, commits and acknowledges what was uploaded, tells clients to come back soon, and ends their
   * connections. After `timeoutMillis` what is not committed is given up: its clients will send it again. Resolves when
   * every connection has ended and no commit is waited for.
   */
  shutdown(timeoutMillis: number): Promise<void>;
  /** Open connections. */
  readonly connectionCount: number;
  /** Their sessions. */
  readonly sessionCount: number;
  /** Connections that are not being read. */
  readonly heldBackCount: number;
  /** Bytes of messages that are arriving or not committed yet. */
  readonly inflightBytes: number;
}

/** More than any header of a message: `maxMessageBytes` is the limit of its body. */
const maxHeaderBytes = 1024;
/** How long a client may take to close its side once it was told why, and to read the rest once it has closed its side. */
const lingerMillis = 2000;
/** One line a kind and minute of what any peer can bring about as often as it likes. */
const lineMillis = 60_000;

export function createSyncEndpoint(options: SyncEndpointOptions): SyncEndpoint {
  return new WebSocketSyncEndpoint(options);
}

interface OpenConnection {
  readonly connection: Connection;
  /** Resolves when its TCP connection has ended. */
  readonly closed: Promise<void>;
}

class WebSocketSyncEndpoint implements SyncEndpoint {
  readonly #host: SyncHost;
  readonly #limits: SyncLimits;
  readonly #logger: Logger;
  readonly #observer: SyncObserver;
  readonly #errorLog = new ErrorLog();
  readonly #adoptedFiles = new AdoptedFiles();
  readonly #peerLines = new LogThrottle(lineMillis);
  readonly #budget: InflightBudget;
  readonly #webSocketServer: WebSocketServer;
  /** The subprotocol chosen for a request. */
  readonly #chosen = new WeakMap<IncomingMessage, string>();
  readonly #open = new Set<OpenConnection>();
  /** Connections that have ended, and commit what they had uploaded. */
  readonly #leaving = new Set<Connection>();
  #shuttingDown = false;

  constructor({ host, limits, logger, observer }: SyncEndpointOptions) {
    this.#host = host;
    this.#limits = { ...defaultSyncLimits, ...limits };
    this.#logger = logger;
    this.#observer = observer ?? {};
    this.#budget = new InflightBudget(this.#limits.maxInflightBytes, this.#limits.holdBackMillis);
    this.#webSocketServer = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      // No limit: the gate keeps larger messages from ws, which would answer them with close code 1009.
      maxPayload: 0,
      WebSocket: CodelessWebSocket,
      handleProtocols: (_offers, request) => this.#chosen.get(request) ?? false,
    });
  }

  get connectionCount(): number {
    return this.#open.size;
  }

  get sessionCount(): number {
    let sessions = 0;
    for (const { connection } of this.#open) sessions += connection.sessionCount;
    return sessions;
  }

  get heldBackCount(): number {
    let heldBack = 0;
    for (const { connection } of this.#open) if (connection.isHeldBack) heldBack += 1;
    return heldBack;
  }

  get inflightBytes(): number {
    return this.#budget.usedBytes;
  }

  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    user: { readonly userId: string },
  ): void {
    const { maxConnections } = this.#limits;
    if (this.#shuttingDown) {
      refuseUpgrade(socket, 503, 'the server is going away');
      return;
    }
    if (this.#open.size >= maxConnections) {
      this.#warnOfPeer('too many', { maxConnections }, 'sync connection refused: too many are open');
      refuseUpgrade(socket, 503, 'too many connections');
      return;
    }
    const choice = chooseProtocol(request.headers['sec-websocket-protocol'] ?? '');
    if (!choice.chosen) {
      const { reason, body } = choice;
      this.#warnOfPeer(reason, { reason }, 'sync connection refused: no common protocol');
      refuseUpgrade(socket, 400, body);
      return;
    }
    this.#upgrade(request, socket, head, { ...user, ...choice });
  }

  async shutdown(timeoutMillis: number): Promise<void> {
    this.#shuttingDown = true;
    const open = [...this.#open];
    const goodbye = (connection: Connection): void => {
      connection.fail(new SyncError('sync-shutdown', 'come back in a moment'));
    };
    const leaving = [...this.#leaving];
    const drained = Promise.all([
      ...open.map(async ({ connection }) => {
        await connection.drain();
        goodbye(connection);
      }),
      ...leaving.map((connection) => connection.idle()),
    ]);
    const isDrained = await settlesWithin(drained, timeoutMillis);
    // Before the store is closed: whatever it were asked from now on, nobody would hear the answer.
    this.#host.abandon();
    if (!isDrained) {
      this.#logger.info(
        { timeoutMillis },
        'sync shutdown: uploads that are not committed are given up; their clients send them again',
      );
      for (const connection of [...open.map((each) => each.connection), ...leaving]) {
        connection.abandon();
        goodbye(connection);
      }
    }
    await Promise.all(open.map(({ closed }) => closed));
  }

  #upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    chosen: { readonly userId: string; readonly version: ProtocolVersion; readonly subprotocol: string },
  ): void {
    const { maxMessageBytes, holdBackMillis } = this.#limits;
    // Nothing arrives, and nobody's turn comes, before the WebSocket and its connection are there.
    let connection: Connection | undefined;
    const account: BudgetAccount = this.#budget.createAccount({
      pause: () => {
        this.#observer.heldBack?.('budget');
        connection?.pause(account);
      },
      resume: () => connection?.resume(account),
      stalled: () => {
        connection?.fail(new SyncError('sync-overload', `not read for ${holdBackMillis} ms`));
        account.close();
      },
    });
    const arrivals = new Arrivals({
      account,
      refuse: (message) => {
        if (connection) refuseOversized(connection, message, maxMessageBytes);
      },
    });
    const gate = new MessageGate(socket, head, {
      maxMessageBytes: maxMessageBytes + maxHeaderBytes,
      lingerMillis,
      activity: () => connection?.noteActivity(),
      received: (bytes) => {
        account.receive(bytes);
      },
      completed: () => {
        arrivals.complete();
      },
      oversized: (message) => {
        arrivals.leaveOut(message);
      },
    });
    const offer = withSubprotocol(request, chosen.subprotocol);
    this.#chosen.set(offer, chosen.subprotocol);
    this.#webSocketServer.handleUpgrade(offer, gate, Buffer.alloc(0), (webSocket) => {
      connection = this.#connect(webSocket, gate, arrivals, chosen);
    });
  }

  #connect(
    webSocket: WebSocket,
    gate: MessageGate,
    arrivals: Arrivals,
    { userId, version }: { readonly userId: string; readonly version: ProtocolVersion },
  ): Connection {
    const connection = new Connection({
      transport: createTransport(webSocket, gate),
      version,
      userId,
      host: this.#host,
      limits: this.#limits,
      logger: this.#logger.child({ userId, protocolVersion: version }),
      observer: this.#observer,
      errorLog: this.#errorLog,
      adoptedFiles: this.#adoptedFiles,
    });
    webSocket.on('message', (data, isBinary) => {
      arrivals.deliver((hold) => {
        if (isBinary) connection.receive(toBytes(data), hold);
        else refuseText(connection, hold);
      });
    });
    webSocket.on('error', (error: NodeJS.ErrnoException) => {
      this.#warnOfPeer(
        error.code ?? error.name, // what was broken, in one of a dozen codes of ws
        { err: error, userId },
        'sync connection ended: its client broke the WebSocket protocol',
      );
    });
    const closed = new Promise<void>((resolve) => {
      webSocket.once('close', () => {
        resolve();
      });
    });
    const entry = { connection, closed };
    this.#open.add(entry);
    void closed.then(async () => {
      this.#open.delete(entry);
      this.#leaving.add(connection);
      connection.closed();
      arrivals.close();
      await connection.idle();
      this.#leaving.delete(connection);
    });
    return connection;
  }

  #warnOfPeer(kind: string, fields: object, message: string): void {
    const events = this.#peerLines.admit(kind);
    if (events !== undefined) this.#logger.warn({ ...fields, events }, message);
  }
}

/**
 * The request as `ws` is to see it, with the chosen subprotocol as its only offer: `ws` refuses the slash in those of
 * older clients before any hook of ours (section 2.2).
 */
function withSubprotocol(request: IncomingMessage, subprotocol: string): IncomingMessage {
  const headers = { ...request.headers, 'sec-websocket-protocol': subprotocol.replaceAll('/', '#') };
  return Object.create(request, { headers: { value: headers } }) as IncomingMessage;
}

/** Refuses a message above the limit to its session, if it names one; the rest of the connection goes on. */
function refuseOversized(connection: Connection, message: OversizedMessage, maxMessageBytes: number): void {
  const { beginning, announcedBytes, skipped } = message;
  const ident = /^[a-z_]+ ([1-9][0-9]{0,9}) /.exec(beginning.toString('latin1'))?.[1];
  if (ident === undefined) {
    connection.fail(
      new ProtocolError('message-syntax', `a message of ${announcedBytes} bytes names no session`, {
        wireCode: connectionErrors.badSyntax,
      }),
    );
    return;
  }
  const particulars = `${announcedBytes} bytes; --max-message-bytes is ${maxMessageBytes}`;
  connection.fail(new SyncError('message-too-large', particulars), Number(ident));
  if (!skipped)
    connection.fail(new SyncError('sync-overload', `a message in several frames of ${particulars}`));
}

function refuseText(connection: Connection, hold: MessageHold): void {
  hold.release();
  connection.fail(new SyncError('sync-text-frame', 'messages are binary'));
}

function toBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
