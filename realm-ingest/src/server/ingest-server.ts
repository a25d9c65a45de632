/**
 * The server from start to close: connects the layers with sockets and a store.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Authenticator, type AuthenticatorCounters } from '../auth/authenticator.js';
import { deriveKeys } from '../auth/derived-keys.js';
import { resolveServerSecret } from '../auth/server-secret.js';
import type { Logger } from '../logger.js';
import { settlesWithin } from '../time/settles-within.js';
import { openStore } from '../store/open-store.js';
import { StoreError } from '../store/store-error.js';
import type { Store } from '../store/store.js';
import { abortable } from '../store/abortable.js';
import { createChangesetConverter } from '../pipeline/changeset-documents.js';
import { createClientApi } from './client-api.js';
import {
  resolveIngestOptions,
  type IngestServerOptions,
  type ResolvedIngestOptions,
} from './ingest-options.js';
import { createListener, destroyConnections, listen, stopListening } from './listener.js';
import { originOfAddress, originOfHost } from './location.js';
import { IngestMetrics } from './metrics/ingest-metrics.js';
import { listenForMetrics } from './metrics/metrics-listener.js';
import { SyncCounter, type SyncCounters } from './sync-counters.js';
import { SyncEndpoint } from './sync-socket/sync-endpoint.js';
import { SyncUpgrades } from './sync-socket/sync-upgrades.js';
import { UploadPipeline, type UploadCounters } from '../pipeline/upload-pipeline.js';

/** Where a server listens. */
export interface ListeningAddress {
  /** Scheme, host and port, without a slash at the end: the `baseUrl` of `Realm.App`. */
  readonly url: string;
  readonly port: number;
  /** The URL of the metrics; undefined without `metricsPort`. */
  readonly metricsUrl: string | undefined;
}

/** What a server has counted since its start. */
export interface IngestCounters {
  readonly uploads: UploadCounters;
  readonly sync: SyncCounters;
  readonly users: AuthenticatorCounters;
}

/** One server of one app. */
export interface IngestServer {
  /**
   * Opens the store and starts to listen. Call it once.
   *
   * @throws InvalidOptionError, StoreError, SecretError or ListenError; then nothing stays open
   */
  start(): Promise<ListeningAddress>;
  /**
   * Takes nothing new, finishes and acknowledges what is being stored, tells clients to come back soon, and releases
   * everything. Resolves within seconds. May be called again, and before `start` has resolved.
   */
  close(): Promise<void>;
  /**
   * Resolves with the error if the store fails for good (for example, a corrupt file). From then on the server stores
   * nothing and holds its clients back. Never rejects.
   */
  readonly broken: Promise<StoreError>;
  /** Undefined before `start` has resolved. */
  readonly counters: IngestCounters | undefined;
  /**
   * The server's metrics in Prometheus' text format (version 0.0.4), for your own `/metrics`; without metrics of the
   * process. Empty before `start` has resolved.
   */
  metrics(): Promise<string>;
}

/** How long clients and commits may take to finish at `close`, in milliseconds. */
const shutdownMillis = 4000;

/** How long the store may take to close, in milliseconds. */
const releaseMillis = 4000;

/** How long the store may take to answer a ping, in milliseconds. */
const pingMillis = 5000;

/**
 * Creates a server. Nothing is opened before `start`.
 *
 * @throws InvalidOptionError for the first option that is not usable
 */
export function createIngestServer(options: IngestServerOptions): IngestServer {
  const resolved = resolveIngestOptions(options);
  let started: Promise<RunningServer> | undefined;
  let running: RunningServer | undefined;
  let closed: Promise<void> | undefined;
  const starting = new AbortController();
  let onBroken: (error: StoreError) => void;
  const broken = new Promise<StoreError>((resolve) => {
    onBroken = resolve;
  });
  return {
    broken,
    async start() {
      if (started || closed) throw new Error('a server is started once; create another server');
      started = startServer(resolved, onBroken, starting.signal);
      running = await started;
      return running.address;
    },
    close() {
      closed ??= (async () => {
        starting.abort();
        const server = await started?.catch(() => undefined);
        await server?.close();
      })();
      return closed;
    },
    get counters() {
      return running?.counters();
    },
    metrics: async () => (await running?.metrics()) ?? '',
  };
}

interface RunningServer {
  readonly address: ListeningAddress;
  counters(): IngestCounters;
  metrics(): Promise<string>;
  close(): Promise<void>;
}

async function startServer(
  options: ResolvedIngestOptions,
  onBroken: (error: StoreError) => void,
  signal: AbortSignal,
): Promise<RunningServer> {
  const { store: given, maxDeadLetterBytes, classPrefix, classes, collections, logger } = options;
  const { retentionSeconds, indexAttributes } = options;
  if (typeof given !== 'string') return serve(options, given, onBroken, signal, () => Promise.resolve());
  const store = await openStore(given, {
    mode: 'serve',
    ...{ classPrefix, classes, collections, retentionSeconds, indexAttributes, logger, signal },
    ...(maxDeadLetterBytes !== undefined && { maxDeadLetterBytes }),
  });
  try {
    return await serve(options, store, onBroken, undefined, () => store.close());
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function serve(
  options: ResolvedIngestOptions,
  store: Store,
  onBroken: (error: StoreError) => void,
  signal: AbortSignal | undefined,
  release: () => Promise<void>,
): Promise<RunningServer> {
  const { appId, host, tls, logger, publicUrl, maxMessageBytes, maxInflightBytes } = options;
  const scheme = tls ? 'https' : 'http';
  // A given store may be down and wait. A store of our own has the signal itself.
  const secret = await abortable(
    resolveServerSecret(store, options.secret, logger),
    signal,
    () => new StoreError('store-unavailable', 'the server was closed while it started', { retryable: true }),
  );
  const keys = deriveKeys(secret);
  const authenticator = new Authenticator({
    ...options,
    signingKey: keys.signingKey,
    apiKeys: store.apiKeys,
    revocations: store.revocations,
  });
  const pipeline = new UploadPipeline({
    appId,
    store,
    saltKey: keys.saltKey,
    converter: createChangesetConverter(options),
    logger,
    observer: {
      committed: (seconds) => {
        metrics.observeCommit(seconds);
      },
      broken: onBroken,
    },
  });
  void store.failed?.then(onBroken);
  const sync = new SyncCounter();
  const endpoint = new SyncEndpoint({
    pipeline,
    limits: { maxMessageBytes, maxInflightBytes },
    observer: sync,
    logger,
  });
  const counters = (): IngestCounters => ({
    uploads: pipeline.counters,
    sync: sync.counters,
    users: authenticator.counters,
  });
  const metrics = new IngestMetrics({ counters, connections: endpoint, maxInflightBytes });
  const upgrades = new SyncUpgrades({ appId, authenticator, endpoint, logger });
  let closing = false;
  const listener = createListener(
    createClientApi({
      appId,
      authenticator,
      originFor: (request) => publicUrl ?? originOfHost(scheme, request.headers.host) ?? origin,
      checkReady: async () => {
        if (closing) throw new Error('the server is shutting down');
        if (pipeline.failure) throw pipeline.failure;
        if (!(await settlesWithin(store.ping(), pingMillis))) throw new Error('the store does not answer');
      },
      isClosing: () => closing,
      logger,
    }),
    tls,
  );
  listener.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    void upgrades.handle(request, socket, head);
  });
  const scrapes =
    options.metrics === undefined ? undefined : await listenForMetrics(metrics, options.metrics, logger);
  const port = await listen(listener, host, options.port, logger).catch((error: unknown) => {
    scrapes?.close();
    throw error;
  });
  const origin = originOfAddress(scheme, host, port);
  upgrades.start();
  const metricsUrl = scrapes?.url;
  logger.info({ appId, url: origin.origin, metricsUrl, allowAnonymous: options.allowAnonymous }, 'listening');
  return {
    address: { url: origin.origin, port, metricsUrl },
    counters,
    metrics: () => metrics.text(),
    async close() {
      closing = true;
      stopListening(listener);
      upgrades.close();
      try {
        await endpoint.shutdown(shutdownMillis);
      } finally {
        destroyConnections(listener);
        scrapes?.close();
        // A store that hangs must not keep the process: everything acknowledged is committed.
        await releaseStore(release, logger);
      }
      logger.info(counters(), 'closed');
    },
  };
}

async function releaseStore(release: () => Promise<void>, logger: Logger): Promise<void> {
  try {
    if (await settlesWithin(release(), releaseMillis)) return;
    logger.info(
      { releaseMillis },
      'the store did not close in time; devices send again what is not acknowledged',
    );
  } catch (error) {
    logger.error({ err: error }, 'the store failed to close');
  }
}
