import { createIngestServer, type IngestCounters } from '../../realm-ingest/src/index.js';
import type { Logger } from '../../realm-ingest/src/logger.js';

/** A realm-ingest in this process. */
export interface Ingest {
  readonly url: string;
  /** Its log lines at `warn` and `error`. */
  readonly complaints: readonly string[];
  /** What of that it logged at `error`, with the text of its error. */
  readonly errors: readonly string[];
  /** Its counters. */
  readonly counters: IngestCounters;
  close(): Promise<void>;
}

export interface IngestSettings {
  readonly appId: string;
  /** URL of the store. */
  readonly store: string;
  /** Default: true. */
  readonly allowAnonymous: boolean;
  readonly classes: readonly string[];
  readonly accessTokenSeconds: number;
  readonly maxMessageBytes: number;
  readonly secret: string;
}

/** Starts a server on a port that is free. */
export async function startIngest(
  settings: Partial<IngestSettings> & Pick<IngestSettings, 'appId' | 'store'>,
): Promise<Ingest> {
  const complaints: string[] = [];
  const errors: string[] = [];
  const server = createIngestServer({
    allowAnonymous: true,
    ...settings,
    port: 0,
    logger: collectInto(complaints, errors),
  });
  const { url } = await server.start();
  return {
    url,
    complaints,
    errors,
    get counters() {
      if (server.counters === undefined) throw new Error('the server has not started');
      return server.counters;
    },
    close: () => server.close(),
  };
}

function collectInto(complaints: string[], errors: string[]): Logger {
  const logger: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: (_fields, message) => complaints.push(message),
    error({ err }: { readonly err?: unknown }, message) {
      complaints.push(message);
      errors.push(err instanceof Error ? `${message}: ${err.message}` : message);
    },
    child: () => logger,
  };
  return logger;
}
