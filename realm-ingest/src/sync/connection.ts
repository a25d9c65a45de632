/**
 * One connection: takes a client's messages, in order, to its sessions, and its answers back.
 *
 * Source: sync protocol, sections 2.6, 4.2, 7 and 8.3.
 *
 * @module
 */
import type { Logger } from '../logger.js';
import { parseClientMessage } from '../protocol/client-message.js';
import type { BindMessage, ClientMessage, ProtocolVersion, ServerMessage } from '../protocol/messages.js';
import { ProtocolError } from '../protocol/protocol-error.js';
import { encodeServerMessage } from '../protocol/server-message.js';
import { scopeOfWireCode } from '../protocol/wire-codes.js';
import type { AdoptedFiles } from './adopted-files.js';
import type { ErrorLog } from './error-log.js';
import type { MessageHold } from './inflight-budget.js';
import { Session, type SessionContext } from './session.js';
import { sessionTable, type SessionMessage } from './session-table.js';
import { SyncError, toServerError } from './sync-error.js';
import type { SyncHost } from './sync-host.js';
import type { SyncLimits } from './sync-limits.js';
import type { SyncObserver } from './sync-observer.js';
import type { Transport } from './transport.js';

export interface ConnectionOptions {
  readonly transport: Transport;
  /** As chosen at the upgrade. */
  readonly version: ProtocolVersion;
  /** As the access token says. */
  readonly userId: string;
  readonly host: SyncHost;
  readonly limits: SyncLimits;
  readonly logger: Logger;
  readonly observer: SyncObserver;
  /** Of all connections together, as is the next. */
  readonly errorLog: ErrorLog;
  readonly adoptedFiles: AdoptedFiles;
}

/** Clients of protocol 7 ignore the back-off of a connection's error. */
const firstVersionWithConnectionBackoff = 9;

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #context: SessionContext;
  readonly #sessions = new Map<number, Session>();
  /** Sessions that have ended, and commit what they had uploaded. */
  readonly #leaving = new Set<Session>();
  readonly #pauses = new Set<unknown>();
  readonly #silenceTimer: NodeJS.Timeout;
  #ended = false;
  #draining = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#context = {
      host: options.host,
      userId: options.userId,
      limits: options.limits,
      logger: options.logger,
      observer: options.observer,
      adoptedFiles: options.adoptedFiles,
      send: (message) => {
        this.#send(message);
      },
      route: (message, hold) => {
        this.#guardedRoute(message, hold);
      },
      fail: (error, session) => {
        this.fail(error, session.ident);
      },
      pause: (session) => {
        this.pause(session);
      },
      resume: (session) => {
        this.resume(session);
      },
    };
    this.#silenceTimer = setTimeout(() => {
      this.#expire();
    }, options.limits.silenceMillis);
  }

  /** Sessions that live, those in error included. */
  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** Whether the client is not being read. */
  get isHeldBack(): boolean {
    return !this.#ended && this.#pauses.size > 0;
  }

  /** Takes one binary message; `hold` is the connection's from here on. */
  receive(bytes: Uint8Array, hold: MessageHold): void {
    if (this.#ended || this.#draining) {
      hold.release();
      return;
    }
    let message: ClientMessage;
    try {
      message = parseClientMessage(bytes, this.#options.version, this.#options.limits);
    } catch (error) {
      hold.release();
      this.fail(error, error instanceof ProtocolError ? error.sessionIdent : undefined);
      return;
    }
    if (message.type === 'ping') {
      hold.release();
      this.#send({ type: 'pong', timestamp: message.timestamp });
    } else {
      this.#guardedRoute(message, hold);
    }
  }

  /** Something arrived, whole or not: the peer is there. */
  noteActivity(): void {
    if (!this.#ended) this.#silenceTimer.refresh();
  }

  /** Stops reading until every reason to has gone. */
  pause(reason: unknown): void {
    this.#pauses.add(reason);
    if (this.#pauses.size === 1 && !this.#ended) this.#options.transport.pause();
  }

  resume(reason: unknown): void {
    if (!this.#pauses.delete(reason) || this.#pauses.size > 0 || this.#ended) return;
    this.#silenceTimer.refresh();
    this.#options.transport.resume();
  }

  /**
   * Ends what an error concerns: the session, if it is a session's error and that lives, else the connection. The
   * client is told, except where it would make worse of it.
   *
   * @param sessionIdent - the session on whose behalf it happened
   */
  fail(error: unknown, sessionIdent = 0): void {
    if (this.#ended) return;
    if (error instanceof SyncError || error instanceof ProtocolError) {
      if (scopeOfWireCode(error.wireCode) === 'session') {
        this.#failSession(error, sessionIdent);
        return;
      }
    }
    this.#failConnection(error);
  }

  /** The TCP connection has ended. */
  closed(): void {
    this.#end();
  }

  /** Takes nothing more. Resolves when everything that was uploaded is committed and acknowledged. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.pause('drain');
    await this.idle();
  }

  /** Gives up what is not being committed yet, so that {@link drain} ends as soon as running commits do. */
  abandon(): void {
    for (const session of this.#allSessions()) session.abandon();
  }

  /** Resolves when no upload is left to commit, those of sessions that have ended included. */
  async idle(): Promise<void> {
    await Promise.all(this.#allSessions().map((session) => session.idle()));
  }

  #allSessions(): Session[] {
    return [...this.#sessions.values(), ...this.#leaving];
  }

  /** Whatever is wrong on account of a message ends its session or the connection. */
  #guardedRoute(message: SessionMessage, hold: MessageHold): void {
    try {
      this.#route(message, hold);
    } catch (error) {
      this.fail(error, message.sessionIdent);
    }
  }

  #route(message: SessionMessage, hold: MessageHold): void {
    const session = this.#sessions.get(message.sessionIdent);
    const state = session?.state ?? 'unknown';
    const reaction = sessionTable[state][message.type];
    if (reaction === 'queue') {
      session?.enqueue(message, hold);
      return;
    }
    if (reaction === 'take' && message.type === 'upload') {
      session?.upload(message, hold);
      return;
    }
    hold.release();
    switch (reaction) {
      case 'take':
        this.#take(message, session);
        return;
      case 'forget':
        if (session !== undefined) this.#remove(session);
        return;
      case 'discard':
        return;
      case 'sync-session-ident':
      case 'sync-session-reuse':
      case 'sync-message-order':
        throw new SyncError(
          reaction,
          `${message.type} for session ${message.sessionIdent}, which is ${state}`,
        );
    }
  }

  #take(message: SessionMessage, session: Session | undefined): void {
    switch (message.type) {
      case 'bind':
        this.#open(message);
        return;
      case 'ident':
        session?.identify(message);
        return;
      case 'mark':
        session?.mark(message);
        return;
      case 'query':
        session?.bootstrap(message);
        return;
      case 'json_error':
        session?.report(message);
        return;
      case 'unbind':
        if (session !== undefined) this.#remove(session);
        this.#send({ type: 'unbound', sessionIdent: message.sessionIdent });
        return;
      case 'upload':
        return;
    }
  }

  #open(message: BindMessage): void {
    const { maxSessionsPerConnection } = this.#options.limits;
    if (this.#sessions.size + this.#leaving.size >= maxSessionsPerConnection) {
      throw new SyncError(
        'sync-overload',
        `more than ${maxSessionsPerConnection} sessions on one connection`,
      );
    }
    const session = new Session(message.sessionIdent, this.#context);
    this.#sessions.set(message.sessionIdent, session);
    session.open(message);
  }

  #remove(session: Session): void {
    this.#sessions.delete(session.ident);
    session.detach();
    this.#leaving.add(session);
    void session.idle().then(() => this.#leaving.delete(session));
  }

  #failSession(error: SyncError | ProtocolError, sessionIdent: number): void {
    const session = this.#sessions.get(sessionIdent);
    if (session === undefined) {
      this.#failConnection(
        new SyncError('sync-session-ident', `no session ${sessionIdent}`, { cause: error }),
      );
      return;
    }
    if (session.state === 'errored') return;
    const { userId, errorLog, observer } = this.#options;
    errorLog.write(session.logger, error, userId, 'sync session ended with an error');
    observer.errorSent?.(error.wireCode);
    this.#send(toServerError(error, sessionIdent));
    session.enterError(error);
  }

  #failConnection(error: unknown): void {
    const { version, userId, logger, errorLog, observer, transport } = this.#options;
    errorLog.write(logger, error, userId, 'sync connection ended with an error');
    const message = toServerError(error, 0);
    observer.errorSent?.(message.code);
    // Protocol 7 ignores the back-off and stays away for five minutes; a plain end of TCP brings it back in a second.
    if (version >= firstVersionWithConnectionBackoff || message.action !== 'Transient') this.#send(message);
    this.#end();
    transport.end();
  }

  #send(message: ServerMessage): void {
    if (this.#ended) return;
    const { transport, version, limits, logger } = this.#options;
    transport.send(encodeServerMessage(message, version));
    if (transport.outgoingBytes > limits.maxOutgoingBytes) {
      logger.warn(
        { outgoingBytes: transport.outgoingBytes },
        'sync connection ended: its client does not read',
      );
      this.#end();
      transport.terminate();
    }
  }

  #expire(): void {
    if (this.#ended) return;
    if (this.#pauses.size > 0) {
      this.#silenceTimer.refresh();
      return;
    }
    const { limits, logger, transport } = this.#options;
    logger.info(
      { silenceMillis: limits.silenceMillis },
      'sync connection ended: nothing heard of its client',
    );
    this.#end();
    transport.terminate();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#silenceTimer);
    for (const session of [...this.#sessions.values()]) this.#remove(session);
  }
}
