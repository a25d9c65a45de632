/**
 * One connection: parses messages, gives each to its session, and sends the answers.
 *
 * Source: sync protocol, sections 2.6, 4.2, 7 and 8.3.
 *
 * @module
 */
import { parseClientMessage } from '../protocol/client-message.js';
import type { ClientMessage, ProtocolVersion, ServerMessage } from '../protocol/messages.js';
import { ProtocolError } from '../protocol/protocol-error.js';
import { encodeServerMessage } from '../protocol/server-message.js';
import type { BudgetMember, MessageAllocation } from './inflight-budget.js';
import { Session, type SessionConnection, type SessionContext } from './session.js';
import { isSessionError, SyncError, toServerError } from './sync-error.js';
import type { Transport } from './transport.js';

export interface ConnectionOptions extends SessionContext {
  readonly transport: Transport;
  /** Chosen at the upgrade. */
  readonly version: ProtocolVersion;
}

/** Clients of protocol 7 ignore the back-off of a connection's error. */
const firstVersionWithConnectionBackoff = 9;

export class Connection implements SessionConnection, BudgetMember {
  readonly #options: ConnectionOptions;
  readonly #sessions = new Map<number, Session>();
  /** Sessions that are over, and still commit what they had uploaded. */
  readonly #leaving = new Set<Session>();
  readonly #pauses = new Set<unknown>();
  readonly #silenceTimer: NodeJS.Timeout;
  #ended = false;
  #draining = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
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

  /** Takes one binary message; `allocation` is released here or by its session. */
  receive(bytes: Uint8Array, allocation: MessageAllocation): void {
    if (this.#ended || this.#draining) {
      allocation.release();
      return;
    }
    let message: ClientMessage;
    try {
      message = parseClientMessage(bytes, this.#options.version, this.#options.limits);
    } catch (error) {
      allocation.release();
      this.fail(error, error instanceof ProtocolError ? error.sessionIdent : undefined);
      return;
    }
    if (message.type === 'ping') {
      allocation.release();
      this.send({ type: 'pong', timestamp: message.timestamp });
      return;
    }
    const session =
      this.#sessions.get(message.sessionIdent) ?? new Session(message.sessionIdent, this, this.#options);
    session.receive(message, allocation);
  }

  /** Bytes arrived: the client is alive. */
  noteActivity(): void {
    if (!this.#ended) this.#silenceTimer.refresh();
  }

  /** Stops reading until every reason is resumed. */
  pause(reason: unknown): void {
    this.#pauses.add(reason);
    if (this.#pauses.size === 1 && !this.#ended) this.#options.transport.pause();
  }

  resume(reason: unknown): void {
    if (!this.#pauses.delete(reason) || this.#pauses.size > 0 || this.#ended) return;
    this.#silenceTimer.refresh();
    this.#options.transport.resume();
  }

  /** @see SessionConnection.add */
  add(session: Session): void {
    const { maxSessionsPerConnection } = this.#options.limits;
    if (this.#sessions.size + this.#leaving.size >= maxSessionsPerConnection) {
      throw new SyncError(
        'sync-overload',
        `more than ${maxSessionsPerConnection} sessions on one connection`,
      );
    }
    this.#sessions.set(session.ident, session);
  }

  /** @see SessionConnection.remove */
  remove(session: Session): void {
    this.#sessions.delete(session.ident);
    this.#leaving.add(session);
    void session.idle().then(() => this.#leaving.delete(session));
  }

  send(message: ServerMessage): void {
    if (this.#ended) return;
    const { transport, version, limits, logger } = this.#options;
    transport.send(encodeServerMessage(message, version));
    if (transport.outgoingBytes > limits.maxOutgoingBytes) {
      logger.warn(
        { outgoingBytes: transport.outgoingBytes },
        'sync connection ended: its client does not read',
      );
      this.end();
      transport.terminate();
    }
  }

  /**
   * Ends what an error concerns: one session, or the connection. The client is told, unless that makes it stay away
   * longer.
   *
   * @param sessionIdent - the session that the error concerns, if it is a session's error
   */
  fail(error: unknown, sessionIdent = 0): void {
    if (this.#ended) return;
    if (!isSessionError(error)) {
      this.#failConnection(error);
      return;
    }
    const session = this.#sessions.get(sessionIdent);
    if (session !== undefined) session.fail(error);
    else
      this.#failConnection(
        new SyncError('sync-session-ident', `no session ${sessionIdent}`, { cause: error }),
      );
  }

  /** The TCP connection ends, or has ended. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#silenceTimer);
    for (const session of [...this.#sessions.values()]) session.end();
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

  #failConnection(error: unknown): void {
    const { version, userId, logger, errorLog, observer, transport } = this.#options;
    errorLog.write(logger, error, userId, 'sync connection ended with an error');
    const message = toServerError(error, 0);
    observer.errorSent?.(message.code);
    // Protocol 7 ignores the back-off and stays away for five minutes; a plain end of TCP brings it back in a second.
    if (version >= firstVersionWithConnectionBackoff || message.action !== 'Transient') this.send(message);
    this.end();
    transport.end();
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
    this.end();
    transport.terminate();
  }
}
