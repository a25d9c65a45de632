/**
 * Decides which upgrade requests get a sync connection, and answers the others.
 *
 * Source: App Services API, section 5.2; sync protocol, sections 2.1 and 2.5.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { AuthError } from '../../auth/auth-error.js';
import type { Authenticator } from '../../auth/authenticator.js';
import type { Principal } from '../../auth/tokens.js';
import type { Logger } from '../../logger.js';
import { appNotFound, syncPathOf } from '../client-api.js';
import { encodeAnswer, ErrorAnswers } from '../http-answer.js';
import type { SyncEndpoint } from './sync-endpoint.js';

/** How often the users of open connections are looked up again, in milliseconds. */
const revocationCheckMillis = 60_000;

export interface SyncUpgradesOptions {
  readonly appId: string;
  readonly authenticator: Authenticator;
  /** Takes admitted sockets over. */
  readonly endpoint: Pick<SyncEndpoint, 'handleUpgrade'>;
  readonly logger: Logger;
}

/**
 * Admits sync connections. A valid access token opens one. It may stay open after the token expires: if it ended then,
 * WebAssembly clients would not refresh the token (section 5.1). Connections of revoked users are ended within a minute,
 * and the next upgrade request gets 401.
 */
export class SyncUpgrades {
  readonly #options: SyncUpgradesOptions;
  readonly #errorAnswers: ErrorAnswers;
  readonly #open = new Map<Duplex, Principal>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: SyncUpgradesOptions) {
    this.#options = options;
    this.#errorAnswers = new ErrorAnswers(options.logger, () => this.#closed);
  }

  /** Starts to look for revoked users. */
  start(): void {
    this.#timer = setInterval(() => void this.cutRevoked(), revocationCheckMillis).unref();
  }

  /** Admits nobody any more: clients are told to come back (503). */
  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
  }

  /** For `upgrade` of node:http. The socket is taken over or refused. Never throws. */
  async handle(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // An error of the socket before it is taken over must not end the process.
    socket.on('error', () => undefined);
    // node:http has removed its listeners, and a socket emits 'end' once: the gate would wait for it for ever.
    const destroy = (): void => void socket.destroy();
    socket.once('end', destroy);
    try {
      const principal = await this.#admit(request);
      if (this.#closed) throw serverCloses();
      if (socket.destroyed) return;
      socket.off('end', destroy);
      this.#open.set(socket, principal);
      socket.once('close', () => this.#open.delete(socket));
      this.#options.endpoint.handleUpgrade(request, socket, head, principal);
    } catch (error) {
      const answer = this.#errorAnswers.toAnswer(error);
      this.#options.logger.debug({ status: answer.status }, 'upgrade refused');
      if (socket.destroyed) return;
      socket.off('end', destroy);
      socket.once('finish', () => socket.destroy());
      socket.end(encodeAnswer(answer));
    }
  }

  /** Ends the connections of users, log-ins and API keys that were revoked. */
  async cutRevoked(): Promise<void> {
    try {
      for (const [socket, principal] of this.#open) {
        if (this.#closed) return;
        if (!(await this.#options.authenticator.isRevoked(principal))) continue;
        this.#options.logger.info(
          { userId: principal.userId },
          'sync connection ended: its user was revoked',
        );
        socket.destroy();
      }
    } catch (error) {
      if (this.#closed) return;
      this.#options.logger.warn({ err: error }, 'the look-up of revoked users failed');
    }
  }

  async #admit(request: IncomingMessage): Promise<Principal> {
    if (this.#closed) throw serverCloses();
    const { pathname, searchParams } = parseTarget(request.url ?? '');
    if (!pathname.endsWith('/realm-sync')) {
      throw new AuthError(404, 'NotFound', 'this server has no such route');
    }
    if (pathname !== syncPathOf(this.#options.appId)) throw appNotFound(pathname.split('/').at(-2) ?? '');
    const token = searchParams.get('baas_at');
    if (token === null) throw new AuthError(401, 'InvalidSession', 'the request carries no access token');
    return this.#options.authenticator.authenticate(token);
  }
}

function parseTarget(target: string): URL {
  const base = 'http://localhost';
  if (!URL.canParse(target, base)) throw new AuthError(400, 'BadRequest', 'the path is not a valid URL path');
  return new URL(target, base);
}

function serverCloses(): AuthError {
  return new AuthError(503, 'MaintenanceInProgress', 'the server is shutting down; come back soon');
}
