/**
 * A process that serves one app after the other, each with a store that fails as it is told; see `server-pool.ts`.
 *
 * It is `createIngestServer` as it stands in `src`, in a process that can be killed.
 *
 * @module
 */
import { EJSON } from 'bson';
import { createIngestServer, type IngestServer } from '../../../realm-ingest/src/index.js';
import type { Logger } from '../../../realm-ingest/src/logger.js';
import { openStore } from '../../../realm-ingest/src/store/open-store.js';
import type { Store } from '../../../realm-ingest/src/store/store.js';
import { withFaults, withLie } from './faulty-store.js';
import type { Notice, Reply, Request, ServeSettings, StoreContents } from './messages.js';

interface Running {
  readonly server: IngestServer;
  readonly store: Store;
}

let running: Running | undefined;

process.on('message', (request: Request) => {
  void answer(request).then(tell, (error: unknown) => {
    tell({ type: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  });
});
process.on('disconnect', () => process.exit());
tell({ type: 'ready' });

async function answer(request: Request): Promise<Reply> {
  switch (request.type) {
    case 'serve':
      return serve(request.settings);
    case 'stop':
      return stop();
    case 'read':
      return { type: 'contents', contents: await read(request.store, request.collections) };
  }
}

async function serve(settings: ServeSettings): Promise<Reply> {
  const { appId, accessTokenSeconds, classes, storeFaults, lie } = settings;
  const store = await openStore(settings.store, { mode: 'serve', classes });
  const faulty = withFaults(store, storeFaults, () => {
    tell({ type: 'store-fault' });
  });
  const server = createIngestServer({
    appId,
    store: lie === undefined ? faulty : withLie(faulty, lie),
    port: 0,
    allowAnonymous: true,
    accessTokenSeconds,
    classes,
    logger: forwardingLogger({}),
  });
  const { port } = await server.start();
  running = { server, store };
  return { type: 'listening', port };
}

async function stop(): Promise<Reply> {
  if (running === undefined) throw new Error('nothing is being served');
  const { server, store } = running;
  running = undefined;
  await server.close();
  const counters = server.counters;
  await store.close();
  globalThis.gc?.();
  return {
    type: 'stopped',
    figures: {
      filesAhead: counters?.sync.adoptedFiles.ahead ?? 0,
      duplicates: counters?.uploads.duplicates ?? 0,
    },
    rssBytes: process.memoryUsage.rss(),
  };
}

async function read(url: string, collections: readonly string[]): Promise<StoreContents> {
  const store = await openStore(url, { mode: 'read' });
  try {
    const documents: Record<string, string[]> = {};
    for (const collection of collections) {
      const lines = (documents[collection] = [] as string[]);
      for await (const document of store.documents(collection)) {
        lines.push(EJSON.stringify(document, { relaxed: false }));
      }
    }
    const deadLetters: string[] = [];
    for await (const { reason, detail, className } of store.deadLetters.list()) {
      deadLetters.push(`${reason} ${className ?? ''}: ${detail}`);
    }
    return { documents, deadLetters };
  } finally {
    await store.close();
  }
}

function forwardingLogger(fields: object): Logger {
  const forward = (more: object, message: string): void => {
    tell({ type: 'log', line: `${message} ${JSON.stringify({ ...fields, ...more }, describe)}` });
  };
  return {
    debug: () => undefined,
    info: () => undefined,
    warn: forward,
    error: forward,
    child: (more) => forwardingLogger({ ...fields, ...more }),
  };
}

function describe(_key: string, value: unknown): unknown {
  if (value instanceof Error) return value.message;
  return typeof value === 'bigint' ? String(value) : value;
}

function tell(message: Reply | Notice): void {
  process.send?.(message);
}
