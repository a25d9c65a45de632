/**
 * The TCP side: one HTTP or HTTPS server, its bounds, and its end.
 *
 * @module
 */
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { InvalidOptionError, RealmTelemetryError } from '../../errors.js';
import type { Logger } from '../logger.js';
import type { TlsOptions } from './ingest-options.js';

/** A peer that dribbles its headers or its body must not hold a connection for ever. Milliseconds. */
const headersTimeoutMillis = 15_000;
const requestTimeoutMillis = 30_000;

/** The address cannot be listened on. */
export class ListenError extends RealmTelemetryError {
  constructor(particulars: string, options?: ErrorOptions) {
    super('listen-failed', particulars, options);
  }
}

/** @throws InvalidOptionError where certificate and key are unusable or do not belong together */
export function createListener(onRequest: RequestListener, tls: TlsOptions | undefined): Server {
  const bounds = { headersTimeout: headersTimeoutMillis, requestTimeout: requestTimeoutMillis };
  if (!tls) return createHttpServer(bounds, onRequest);
  try {
    const { cert, key } = tls;
    return createHttpsServer({ ...bounds, cert: toPem(cert), key: toPem(key) }, onRequest);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvalidOptionError('tls', tls, `a certificate and its key, both PEM (${reason})`);
  }
}

/**
 * Resolves with the port.
 *
 * @throws ListenError
 */
export async function listen(server: Server, host: string, port: number, logger: Logger): Promise<number> {
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

/** Takes no further connection. Requests that run may finish; `closed` resolves once all connections have ended. */
export function stopListening(server: Server): { readonly closed: Promise<void> } {
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  server.closeIdleConnections();
  return { closed };
}

function toPem(value: string | Uint8Array): string | Buffer {
  return typeof value === 'string' ? value : Buffer.from(value);
}
