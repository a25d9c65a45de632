import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createApiKey } from '../../src/auth/api-key.js';
import type { IngestServerOptions } from '../../src/server/ingest-options.js';
import { createIngestServer, type IngestServer } from '../../src/server/ingest-server.js';
import { openStore } from '../../src/store/open-store.js';
import { Database } from '../../src/store/sqlite/database.js';
import { ServeLock } from '../../src/store/sqlite/serve-lock.js';
import type { Store } from '../../src/store/store.js';
import { eventually } from '../../../test/support/eventually.js';
import { RecordingLogger } from '../../../test/support/server/recording-logger.js';
import { largeChangeset } from '../support/large-changeset.js';
import { logIn, SyncClient, upgradeStatus } from '../../../test/support/server/sync-client.js';
import { useServers } from '../support/server-fixture.js';

const appId = 'my-app';

describe('a server that closes while requests wait for its store', () => {
  it('logs no failure of the store that its owner closes afterwards', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'realm-ingest-shutdown-'));
    const store = await openStore(`sqlite:${join(directory, 'store.db')}`, { mode: 'serve' });
    const { key, stored } = createApiKey('kiosk-7', new Date());
    await store.apiKeys.create(stored);
    const logger = new RecordingLogger();
    const server = createIngestServer({ appId, store, port: 0, allowAnonymous: true, logger });
    const { url } = await server.start();
    const { access_token } = await logIn(url, appId);
    const waiting: (() => void)[] = [];
    const calls: Promise<unknown>[] = [];
    const wait = <T>(call: () => Promise<T>): Promise<T> => {
      const called = new Promise<void>((resolve) => waiting.push(resolve)).then(call);
      calls.push(called);
      return called;
    };
    const findByHash = store.apiKeys.findByHash.bind(store.apiKeys);
    store.apiKeys.findByHash = (hash) => wait(() => findByHash(hash));
    const has = store.revocations.has.bind(store.revocations);
    store.revocations.has = (subjects) => wait(() => has(subjects));

    const before = logger.lines.length;
    const broken = assert.rejects(
      Promise.all([
        logIn(url, appId, { provider: 'api-key', key }),
        upgradeStatus(url, `/api/client/v2.0/app/${appId}/realm-sync?baas_at=${access_token}`),
      ]),
    );
    await eventually('both', () => waiting.length === 2);
    await server.close();
    await broken;
    await store.close();
    for (const go of waiting) go();
    await Promise.allSettled(calls);
    await turn();
    const complaints = logger.lines
      .slice(before)
      .filter(({ level }) => level === 'warn' || level === 'error');
    assert.deepEqual(complaints, []);
    await rm(directory, { recursive: true });
  });
});

/** What a server that closes gives up comes again: it is no failure of the store. */
describe('a server that closes with an upload of several parts in flight', () => {
  const { changeset, spans } = largeChangeset(4_000_000, Buffer.alloc(8, 7));
  const fixture = useServers(appId);
  const create = (options?: Partial<IngestServerOptions>) => fixture.create(options);

  async function open(server: IngestServer): Promise<{ client: SyncClient; token: string }> {
    const { url } = await server.start();
    const { access_token: token } = await logIn(url, appId);
    return { client: await SyncClient.open(url, appId, token), token };
  }

  /** Another writer, such as a backup or a shell. Commits wait for it. */
  function lockStore(): Database {
    const database = new Database(fixture.storePath, 5000);
    database.execute('BEGIN IMMEDIATE');
    return database;
  }

  const isGivenUp = (): boolean =>
    fixture.logger.lines.some(({ message }) => message.includes('are given up'));

  /** That the client was told to come back, that the store is not blamed, and that the client loses nothing. */
  async function isNoFailure(server: IngestServer, client: SyncClient, token: string): Promise<void> {
    await client.closed;
    assert.match((await client.next()) ?? '', /^json_error 101 .*\n\{"tryAgain":true/);
    assert.equal(await client.next(), undefined);
    await turn(); // What has failed by now has been told.
    const complaints = fixture.logger.lines.filter(
      ({ level, message }) =>
        (level === 'warn' || level === 'error') && !message.startsWith('a server secret was made'),
    );
    assert.deepEqual(complaints, []);
    assert.deepEqual(server.counters?.uploads.storeFailures, {});
    assert.equal(await Promise.race([server.broken, delay(0, 'it is well')]), 'it is well');

    const later = create();
    const { url } = await later.start();
    const again = await SyncClient.open(url, appId, token, { file: client.file });
    again.upload(11, changeset);
    await again.acknowledgement(11);
    again.terminate();
    await later.close();
    const database = new Database(fixture.storePath, 5000);
    const [row] = database.all('SELECT count(*) AS n FROM documents');
    assert.equal(row?.n, BigInt(spans));
    database.close();
  }

  it('commits no further part after the time-out, and closes its store after the last one', async () => {
    const server = create();
    const { client, token } = await open(server);
    const other = lockStore();
    client.upload(11, changeset);
    await eventually('the upload', () => (server.counters?.sync.uploads ?? 0) === 1);
    const closed = server.close();
    await eventually('the end of its patience', isGivenUp);
    other.execute('ROLLBACK');
    other.close();
    await closed;
    await isNoFailure(server, client, token);
  });

  it('logs no failure of a store that is busy for longer than it waits', async () => {
    const server = create();
    const { client, token } = await open(server);
    const other = lockStore();
    client.upload(11, changeset);
    await eventually('the upload', () => (server.counters?.sync.uploads ?? 0) === 1);
    await server.close();
    // The commit waits for 5 s; the next opener gets the file when the store has let go of it.
    await eventually('the end of the store', () => isFree(fixture.storePath));
    other.execute('ROLLBACK');
    other.close();
    await isNoFailure(server, client, token);
  });

  it('logs no failure of a store that its owner closes afterwards', async () => {
    const store = await openStore(fixture.storeUrl, { mode: 'serve' });
    const calls: Promise<unknown>[] = [];
    const slow = slowedDown(store, 3000, calls);
    const server = create({ store: slow });
    const { client, token } = await open(server);
    client.upload(11, changeset);
    await eventually('the first commit', () => calls.length === 1);
    await server.close();
    await store.close();
    await Promise.allSettled(calls);
    await isNoFailure(server, client, token);
  });
});

/** Whether no store has the file any more. */
function isFree(path: string): boolean {
  try {
    new ServeLock(path, 0).release();
    return true;
  } catch {
    return false;
  }
}

/** Lets settled promises reach their waiters. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The store, each of whose commits begins later than it was asked for. */
function slowedDown(store: Store, millis: number, calls: Promise<unknown>[]): Store {
  const commit: Store['commit'] = (request) => {
    const call = delay(millis).then(() => store.commit(request));
    calls.push(call);
    return call;
  };
  return new Proxy(store, {
    get(target, name): unknown {
      if (name === 'commit') return commit;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
