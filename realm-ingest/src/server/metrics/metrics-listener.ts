/**
 * `GET /metrics` on its own port, so that Prometheus and clients need no access to each other's port.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../../logger.js';
import { createListener, destroyConnections, listen, stopListening } from '../listener.js';
import { originOfAddress } from '../location.js';
import type { IngestMetrics } from './ingest-metrics.js';
import { processMetrics } from './process-metrics.js';

/** Few programs read metrics. */
const maxConnections = 100;

/** Where metrics are served. */
export interface MetricsListener {
  /** Including the path. */
  readonly url: string;
  close(): void;
}

/**
 * Serves the metrics of the server and of the process.
 *
 * @throws ListenError
 */
export async function listenForMetrics(
  metrics: IngestMetrics,
  address: { readonly host: string; readonly port: number },
  logger: Logger,
): Promise<MetricsListener> {
  const ofProcess = processMetrics();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [path] = (request.url ?? '').split('?', 1);
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (path !== '/metrics') {
      response.writeHead(404).end('see /metrics\n');
    } else if (!isRead) {
      response.writeHead(405, { Allow: 'GET, HEAD' }).end();
    } else {
      const text = (await metrics.text()) + (await ofProcess.metrics());
      response.writeHead(200, { 'Content-Type': metrics.contentType, 'Cache-Control': 'no-store' });
      response.end(text);
    }
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    answer(request, response).catch((error: unknown) => {
      logger.error({ err: error }, 'collecting metrics failed');
      response.destroy();
    });
  };
  const listener = createListener(onRequest, undefined, { maxConnections });
  const port = await listen(listener, address.host, address.port, logger);
  return {
    url: `${originOfAddress('http', address.host, port).origin}/metrics`,
    close() {
      stopListening(listener);
      destroyConnections(listener);
    },
  };
}
