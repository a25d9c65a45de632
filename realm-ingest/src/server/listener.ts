/**
 * The TCP side: one HTTP or HTTPS server, its bounds, and its end.
 *
 * @module
 */
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { IngestError } from '../errors.js';
import type { Logger } from '../logger.js';
import { defaultSyncLimits } from '../sync/sync-limits.js';
import { toPem, type TlsOptions } from './tls.js';

/** What peers may take of a listener before anybody knows who they are. */
export interface ListenerBounds {
  /** For a TLS handshake, and for all headers of a request from the connection's beginning on; milliseconds. */
  readonly headersMillis: number;
  /** For a whole request. */
  readonly requestMillis: number;
  /** How often it is looked whether someone has taken longer. */
  readonly lookMillis: number;
  /** TCP connections, upgraded ones included; further ones are closed as soon as they are accepted. */
  readonly maxConnections: number;
}

const defaultBounds: ListenerBounds = {
  headersMillis: 15_000,
  requestMillis: 30_000,
  lookMillis: 5000,
  // Those of sync, and some that log in meanwhile.
  maxConnections: defaultSyncLimits.maxConnections + 1000,
};

/** The address cannot be listened on. */
export class ListenError extends IngestError {
  constructor(particulars: string, options?: ErrorOptions) {
    super('listen-failed', particulars, options);
  }
}

/** An HTTP or HTTPS server, and every TCP connection that it has. */
export interface Listener {
  readonly server: Server;
  /** Upgraded ones, and those that never got as far as a request, too: `closeAllConnections` knows neither. */
  readonly sockets: ReadonlySet<Socket>;
}

/** @param tls - usable; see `findTlsProblem` */
export function createListener(
  onRequest: RequestListener,
  tls: TlsOptions | undefined,
  bounds: Partial<ListenerBounds> = {},
): Listener {
  const { headersMillis, requestMillis, lookMillis, maxConnections } = { ...defaultBounds, ...bounds };
  const timeouts = {
    headersTimeout: headersMillis,
    requestTimeout: requestMillis,
    connectionsCheckingInterval: lookMillis,
  };
  const server = tls
    ? createHttpsServer({ ...timeouts, handshakeTimeout: headersMillis, ...toPem(tls) }, onRequest)
    : createHttpServer(timeouts, onRequest);
  server.maxConnections = maxConnections;
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return { server, sockets };
}

/**
 * Resolves with the port.
 *
 * @throws ListenError
 */
export async function listen(
  { server }: Listener,
  host: string,
  port: number,
  logger: Logger,
): Promise<number> {
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'EADDRINUSE' ? 'the address is in use already' : message;
    throw new ListenError(`${host}, port ${port}: ${reason}`, { cause: error });
  }
  // A connection that cannot be accepted (no file descriptors left) is no reason to end the others.
  server.on('error', (error) => {
    logger.error({ err: error }, 'a connection could not be accepted');
  });
  return (server.address() as AddressInfo).port;
}

/** Takes no further connection; requests and sync connections that there are go on. */
export function stopListening({ server }: Listener): void {
  server.close();
  server.closeIdleConnections();
}

/** Ends whatever is still connected. */
export function destroyConnections({ sockets }: Listener): void {
  for (const socket of sockets) socket.destroy();
}
