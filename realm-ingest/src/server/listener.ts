/**
 * One HTTP or HTTPS server: its limits, and its end.
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

/** Limits for peers that are not authenticated yet. */
export interface ListenerBounds {
  /** For a TLS handshake, and for the headers of a request from the start of the connection; in milliseconds. */
  readonly headersMillis: number;
  /** For a whole request. */
  readonly requestMillis: number;
  /** How often both are checked. */
  readonly checkIntervalMillis: number;
  /** TCP connections, including upgraded ones. More of them are closed as soon as they are accepted. */
  readonly maxConnections: number;
}

const defaultBounds: ListenerBounds = {
  headersMillis: 15_000,
  requestMillis: 30_000,
  checkIntervalMillis: 5000,
  // Sync connections, and some more for log-ins.
  maxConnections: defaultSyncLimits.maxConnections + 1000,
};

/** The server cannot listen on the address. */
export class ListenError extends IngestError {
  constructor(particulars: string, options?: ErrorOptions) {
    super('listen-failed', particulars, options);
  }
}

/** An HTTP or HTTPS server, and all its TCP connections. */
export interface Listener {
  readonly server: Server;
  /** Including upgraded ones and those without a request yet: `closeAllConnections` knows neither. */
  readonly sockets: ReadonlySet<Socket>;
}

/** @param tls - usable; see `findTlsProblem` */
export function createListener(
  onRequest: RequestListener,
  tls: TlsOptions | undefined,
  bounds: Partial<ListenerBounds> = {},
): Listener {
  const { headersMillis, requestMillis, checkIntervalMillis, maxConnections } = {
    ...defaultBounds,
    ...bounds,
  };
  const timeouts = {
    headersTimeout: headersMillis,
    requestTimeout: requestMillis,
    connectionsCheckingInterval: checkIntervalMillis,
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
    const reason = code === 'EADDRINUSE' ? 'the address is already in use' : message;
    throw new ListenError(`${host}, port ${port}: ${reason}`, { cause: error });
  }
  // If a connection cannot be accepted (for example, no file descriptor is left), the others go on.
  server.on('error', (error) => {
    logger.error({ err: error }, 'a connection could not be accepted');
  });
  return (server.address() as AddressInfo).port;
}

/** Accepts no further connection. Existing requests and sync connections go on. */
export function stopListening({ server }: Listener): void {
  server.close();
  server.closeIdleConnections();
}

/** Ends all connections. */
export function destroyConnections({ sockets }: Listener): void {
  for (const socket of sockets) socket.destroy();
}
