import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IngestServerOptions } from '../../src/server/ingest-options.js';
import { createIngestServer, type IngestServer } from '../../src/server/ingest-server.js';
import { RecordingLogger } from '../../../test/support/server/recording-logger.js';

/** Servers of one test, on a SQLite store in a directory of the test. */
export interface ServerFixture {
  readonly directory: string;
  readonly storePath: string;
  readonly storeUrl: string;
  readonly logger: RecordingLogger;
  /** A server on a free port that admits anonymous users. It is closed after the test. */
  create(options?: Partial<IngestServerOptions>): IngestServer;
}

/** Gives each test of a suite its own fixture: call it inside `describe`. */
export function useServers(appId: string): ServerFixture {
  let directory: string;
  let logger: RecordingLogger;
  const servers: IngestServer[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'realm-ingest-server-'));
    logger = new RecordingLogger();
  });

  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
    await rm(directory, { recursive: true });
  });

  return {
    get directory() {
      return directory;
    },
    get storePath() {
      return join(directory, 'store.db');
    },
    get storeUrl() {
      return `sqlite:${this.storePath}`;
    },
    get logger() {
      return logger;
    },
    create(options = {}) {
      const given = { appId, store: this.storeUrl, port: 0, allowAnonymous: true, logger };
      const server = createIngestServer({ ...given, ...options });
      servers.push(server);
      return server;
    },
  };
}
