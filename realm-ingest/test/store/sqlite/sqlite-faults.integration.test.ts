import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sinon from 'sinon';
import { openStore } from '../../../src/store/open-store.js';
import { StoreError } from '../../../src/store/store-error.js';
import type { Store } from '../../../src/store/store.js';
import { Database } from '../../../src/store/sqlite/database.js';
import { WorkerChannel } from '../../../src/store/sqlite/worker-channel.js';
import { badChangeset, collect, map, upload } from '../../support/commit-request.js';

describe('the SQLite store with a fault', () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sqlite-faults-'));
    path = join(directory, 'telemetry.db');
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  const open = () => openStore(`sqlite:${path}`, { mode: 'serve', busyTimeoutMillis: 50 });
  async function withStore(use: (store: Store) => Promise<void>): Promise<void> {
    const store = await open();
    try {
      await use(store);
    } finally {
      await store.close();
    }
  }
  /** Uses the file beside the store, like the sqlite3 shell. */
  function withDatabase(use: (database: Database) => void): void {
    const database = new Database(path, 50);
    use(database);
    database.close();
  }
  const rejectsWith = (code: string, retryable: boolean, promise: Promise<unknown>) =>
    assert.rejects(promise, (error) => {
      assert.ok(error instanceof StoreError, String(error));
      assert.deepEqual({ code: error.code, retryable: error.retryable }, { code, retryable });
      return true;
    });

  it('is unavailable while another process writes, and recovers', async () => {
    await withStore(async (store) => {
      const other = new Database(path, 0);
      other.execute('BEGIN IMMEDIATE');
      await rejectsWith('store-unavailable', true, store.commit(upload([map({ _id: 1n })])));
      await rejectsWith('store-unavailable', true, store.ping());
      other.execute('ROLLBACK');
      await store.ping();
      assert.equal((await store.commit(upload([map({ _id: 1n })]))).stored, 1);
      other.close();
    });
  });

  it('reports a damaged file', async () => {
    const documents = Array.from({ length: 500 }, (_, number) =>
      map({ _id: BigInt(number), x: 'x'.repeat(500) }),
    );
    await withStore(async (store) => {
      await store.commit(upload(documents));
    });
    const descriptor = openSync(path, 'r+');
    for (let offset = 4096 * 50; offset < statSync(path).size; offset += 4096) {
      writeSync(descriptor, Buffer.alloc(4096, 0xa5), 0, 4096, offset);
    }
    closeSync(descriptor);
    await withStore(async (store) => {
      await rejectsWith('store-corrupt', false, collect(store.documents('Span')));
      await rejectsWith('store-corrupt', false, store.commit(upload(documents)));
    });
  });

  describe('with a document that another program changed', () => {
    const change = (json: string) => {
      withDatabase((database) => database.run('UPDATE documents SET document = ?', json));
    };

    it('reads it as it is now, and rejects another one with its _id', async () => {
      await withStore(async (store) => {
        await store.commit(upload([map({ _id: 1n })], 'A'));
        change('{"_id": 1, "note": "seen"}');
        assert.deepEqual(await collect(store.documents('A')), [map({ _id: 1n, note: 'seen' })]);
        const { deadLetters } = await store.commit(upload([map({ _id: 1n })], 'A'));
        assert.deepEqual(deadLetters, [{ className: 'A', reason: 'id-conflict' }]);
      });
    });

    it('reports that it is damaged, and rejects another one with its _id', async () => {
      await withStore(async (store) => {
        await store.commit(upload([map({ _id: 1n })], 'A'));
        change('{"_id": {"$oid": 1}}');
        await rejectsWith('store-corrupt', false, collect(store.documents('A')));
        const { deadLetters } = await store.commit(upload([map({ _id: 1n })], 'A'));
        assert.deepEqual(deadLetters, [{ className: 'A', reason: 'id-conflict' }]);
      });
    });
  });

  it('rejects a document that the user’s unique index refuses', async () => {
    await withStore(async (store) => {
      withDatabase((database) => {
        database.execute("CREATE UNIQUE INDEX mine ON documents (collection, document ->> '$.name')");
      });
      const documents = [
        map({ _id: 1n, name: 'a' }),
        map({ _id: 2n, name: 'a' }),
        map({ _id: 3n, name: 'b' }),
      ];
      const result = await store.commit(upload(documents, 'A'));
      const refused = { className: 'A', reason: 'unique-index' };
      assert.deepEqual(result, { stored: 2, duplicates: 0, deadLetters: [refused] });
    });
  });

  it('reports that its thread has died, and not that it was closed', async () => {
    const store = await openStore(`sqlite:${path}`, { mode: 'serve' });
    const call = sinon.spy(WorkerChannel.prototype, 'call');
    try {
      await store.ping();
      const [channel] = call.thisValues as WorkerChannel[];
      await channel?.terminate();
      assert.match((await store.failed)?.message ?? '', /the store is closed: its thread has ended/);
    } finally {
      call.restore();
      await store.close();
    }
    // The thread's end has released the lock.
    const next = await openStore(`sqlite:${path}`, { mode: 'serve' });
    await next.close();
    const failed = next.failed?.then(() => 'failed');
    assert.equal(
      await Promise.race([failed, new Promise((resolve) => setImmediate(resolve, 'well'))]),
      'well',
    );
  });
});

describe('the SQLite file', () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sqlite-file-'));
    path = join(directory, 'telemetry.db');
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it('is the whole store when it is closed: the log is empty', async () => {
    const store = await openStore(`sqlite:${path}`, { mode: 'serve' });
    await store.commit(upload([map({ _id: 1n })]));
    await store.close();
    assert.equal(statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0, 0);
  });

  it('shrinks when the last dead letter of a changeset is deleted', async () => {
    const store = await openStore(`sqlite:${path}`, { mode: 'serve' });
    await store.commit(badChangeset(new Uint8Array(5_000_000)));
    const database = new Database(path, 50);
    assert.ok(database.pragma('page_count') > 1000);
    for await (const { key } of store.deadLetters.list()) await store.deadLetters.delete(key);
    assert.ok(database.pragma('page_count') < 100);
    assert.deepEqual(database.all('SELECT * FROM dead_letter_usage'), [{ bytes: 0n }]);
    database.close();
    await store.close();
  });

  it('frees the bytes of dead letters that were deleted in the sqlite3 shell', async () => {
    const store = await openStore(`sqlite:${path}`, { mode: 'serve' });
    await store.commit(badChangeset(new Uint8Array(3_000_000)));
    await store.close();
    const database = new Database(path, 50);
    database.execute('DELETE FROM dead_letters');
    for (const table of ['changesets', 'changeset_pieces']) {
      assert.deepEqual(database.all(`SELECT count(*) AS n FROM ${table}`), [{ n: 0n }]);
    }
    assert.deepEqual(database.all('SELECT * FROM dead_letter_usage'), [{ bytes: 0n }]);
    database.close();
  });
});
