/**
 * The WebSocket side of sync: turns upgrade requests into connections of the sync protocol.
 *
 * Source: sync protocol, sections 2 and 8.2.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Logger } from '../../logger.js';
import type { Pipeline } from '../../pipeline/upload-pipeline.js';
import type { ProtocolVersion } from '../../protocol/messages.js';
import { chooseProtocol } from '../../protocol/subprotocol.js';
import { AdoptedFiles } from '../../sync/adopted-files.js';
import type { Connection } from '../../sync/connection.js';
import { ErrorLog } from '../../sync/error-log.js';
import { InflightBudget } from '../../sync/inflight-budget.js';
import { SyncError } from '../../sync/sync-error.js';
import { defaultSyncLimits, type SyncLimits } from '../../sync/sync-limits.js';
import type { SyncObserver } from '../../sync/sync-observer.js';
import { LogThrottle } from '../../time/log-throttle.js';
import { settlesWithin } from '../../time/settles-within.js';
import { MessageGate } from './message-gate.js';
import { refuseUpgrade } from './refuse-upgrade.js';
import { SyncSocket } from './sync-socket.js';
import { TerminatingWebSocket } from './terminating-web-socket.js';

export interface SyncEndpointOptions {
  readonly pipeline: Pipeline;
  /** Default: `defaultSyncLimits`. */
  readonly limits?: Partial<SyncLimits>;
  readonly logger: Logger;
  readonly observer?: SyncObserver;
}

/** The user that an upgrade request's token names. */
export interface SyncUser {
  readonly userId: string;
}

/** More than any message's header: `maxMessageBytes` limits the body. */
const maxHeaderBytes = 1024;
/** How long a client may take to end its side after an error, and to read the rest after it has ended its side. */
const lingerMillis = 2000;
/** At most one line of a kind in this time: any peer can cause these as often as it likes. */
const lineMillis = 60_000;

/** All sync connections of a server. */
export class SyncEndpoint {
  readonly #pipeline: Pipeline;
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
  readonly #open = new Set<SyncSocket>();
  /** Connections that have ended, and still commit what they had uploaded. */
  readonly #leaving = new Set<Connection>();
  #shuttingDown = false;

  constructor({ pipeline, limits, logger, observer = {} }: SyncEndpointOptions) {
    this.#pipeline = pipeline;
    this.#limits = { ...defaultSyncLimits, ...limits };
    this.#logger = logger;
    this.#observer = observer;
    this.#budget = new InflightBudget(this.#limits, observer);
    this.#webSocketServer = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      // No limit: the gate skips larger messages. ws would answer them with close code 1009.
      maxPayload: 0,
      WebSocket: TerminatingWebSocket,
      handleProtocols: (_offers, request) => this.#chosen.get(request) ?? false,
    });
  }

  /** Open connections. */
  get connectionCount(): number {
    return this.#open.size;
  }

  /** Sessions of open connections. */
  get sessionCount(): number {
    let sessions = 0;
    for (const { connection } of this.#open) sessions += connection.sessionCount;
    return sessions;
  }

  /** Connections that are not being read. */
  get heldBackCount(): number {
    let heldBack = 0;
    for (const { connection } of this.#open) if (connection.isHeldBack) heldBack += 1;
    return heldBack;
  }

  /** Bytes of messages that are arriving or not committed yet. */
  get inflightBytes(): number {
    return this.#budget.usedBytes;
  }

  /**
   * Takes over an upgrade request with a valid path and token. Answers 400 if there is no common protocol version, and 503
   * above the connection limit and during shutdown. Never throws.
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, { userId }: SyncUser): void {
    const { maxConnections } = this.#limits;
    if (this.#shuttingDown) {
      refuseUpgrade(socket, 503, 'the server is shutting down');
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
    this.#upgrade(request, socket, head, userId, choice);
  }

  /**
   * Takes nothing new, commits and acknowledges what was uploaded, tells clients to come back soon, and ends their
   * connections. After `timeoutMillis` it gives up uploads that are not committed: their clients will send them again.
   * Resolves when every connection has ended and no commit is waited for.
   */
  async shutdown(timeoutMillis: number): Promise<void> {
    this.#shuttingDown = true;
    const open = [...this.#open];
    const leaving = [...this.#leaving];
    const sendAway = (connection: Connection): void => {
      connection.fail(new SyncError('sync-shutdown', 'come back in a moment'));
    };
    const drained = Promise.all([
      ...open.map(async ({ connection }) => {
        await connection.drain();
        sendAway(connection);
      }),
      ...leaving.map((connection) => connection.idle()),
    ]);
    const isDrained = await settlesWithin(drained, timeoutMillis);
    // Before the store closes: nobody would hear the answers to further commits.
    this.#pipeline.abandon();
    if (!isDrained) {
      this.#logger.info(
        { timeoutMillis },
        'sync shutdown: uploads that are not committed are given up; their clients send them again',
      );
      for (const connection of [...open.map((socket) => socket.connection), ...leaving]) {
        connection.abandon();
        sendAway(connection);
      }
    }
    await Promise.all(open.map(({ closed }) => closed));
  }

  #upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    userId: string,
    { subprotocol, version }: { readonly subprotocol: string; readonly version: ProtocolVersion },
  ): void {
    const maxMessageBytes = this.#limits.maxMessageBytes + maxHeaderBytes;
    const gate = new MessageGate(socket, head, { maxMessageBytes, lingerMillis });
    const offer = withSubprotocol(request, subprotocol);
    this.#chosen.set(offer, subprotocol);
    this.#webSocketServer.handleUpgrade(offer, gate, Buffer.alloc(0), (webSocket) => {
      this.#connect(webSocket, gate, userId, version);
    });
  }

  #connect(webSocket: WebSocket, gate: MessageGate, userId: string, version: ProtocolVersion): void {
    const socket = new SyncSocket(webSocket, gate, this.#budget, {
      version,
      userId,
      pipeline: this.#pipeline,
      limits: this.#limits,
      logger: this.#logger.child({ userId, protocolVersion: version }),
      observer: this.#observer,
      errorLog: this.#errorLog,
      adoptedFiles: this.#adoptedFiles,
    });
    webSocket.on('error', (error: NodeJS.ErrnoException) => {
      this.#warnOfPeer(
        error.code ?? error.name, // one of a dozen codes of ws
        { err: error, userId },
        'sync connection ended: its client broke the WebSocket protocol',
      );
    });
    this.#open.add(socket);
    void socket.closed.then(async () => {
      this.#open.delete(socket);
      this.#leaving.add(socket.connection);
      await socket.connection.idle();
      this.#leaving.delete(socket.connection);
    });
  }

  #warnOfPeer(kind: string, fields: object, message: string): void {
    const events = this.#peerLines.admit(kind);
    if (events !== undefined) this.#logger.warn({ ...fields, events }, message);
  }
}

/**
 * The request for `ws`, with the chosen subprotocol as its only offer. `ws` refuses the slash in the subprotocols of older
 * clients before it calls any hook (section 2.2).
 */
function withSubprotocol(request: IncomingMessage, subprotocol: string): IncomingMessage {
  const headers = { ...request.headers, 'sec-websocket-protocol': subprotocol.replaceAll('/', '#') };
  return Object.create(request, { headers: { value: headers } }) as IncomingMessage;
}
