import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sinon from 'sinon';
import { openStore } from '../../../src/store/open-store.js';
import { StoreError } from '../../../src/store/store-error.js';
import type { Store } from '../../../src/store/store.js';
import { commitGroup } from '../../../src/store/sqlite/commit-group.js';
import { Database } from '../../../src/store/sqlite/database.js';
import { encodeChangesets } from '../../../src/store/sqlite/encode-commit.js';
import { openDatabase } from '../../../src/store/sqlite/open-database.js';
import { WorkerChannel } from '../../../src/store/sqlite/worker-channel.js';
import {
  badChangeset,
  changeset,
  collect,
  file,
  map,
  placed,
  receivedAt,
  upload,
} from '../../support/commit-request.js';

describe('the SQLite store, when something is wrong', () => {
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
  /** Uses the file apart from the store, as the sqlite3 shell does. */
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

  it('holds back while another process writes, and goes on after', async () => {
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

  it('holds back everything of a commit that finds no room, and goes on when there is some', async () => {
    const { database, lock } = openDatabase({
      path,
      mode: 'serve',
      maxDeadLetterBytes: 2 ** 30,
      classPrefix: '',
      busyTimeoutMillis: 0,
    });
    const commitOf = async (id: bigint, bytes: number) => ({
      appId: 'app',
      userId: 'user',
      fileIdent: id,
      receivedAt,
      file: { ...file, ident: id },
      changesets: await encodeChangesets([
        changeset(1, [placed(map({ _id: id, padding: 'x'.repeat(bytes) }))]),
      ]),
      retried: undefined,
    });
    const count = () =>
      database.all('SELECT count(*) AS n FROM documents UNION ALL SELECT count(*) FROM client_files');

    database.execute(`PRAGMA max_page_count = ${database.pragma('page_count') + 10}`);
    const group = [await commitOf(1n, 1), await commitOf(2n, 1_000_000), await commitOf(3n, 1)];
    const outcomes = commitGroup(database, group, 0);
    // What shared its transaction may be held back with it: nothing is acknowledged that was not stored.
    const stored = outcomes.filter((outcome) => 'result' in outcome).length;
    assert.deepEqual(count(), [{ n: BigInt(stored) }, { n: BigInt(stored) }]);
    const failure = outcomes[1];
    assert.ok(failure && 'error' in failure);
    assert.deepEqual([failure.error.code, failure.error.retryable], ['store-full', true]);
    assert.equal(database.inTransaction, false);

    const small = commitGroup(database, [await commitOf(4n, 1)], 0);
    assert.deepEqual(small, [{ result: { stored: 1, duplicates: 0, deadLetters: [] } }]);

    database.execute('PRAGMA max_page_count = 100000');
    commitGroup(database, group, 0);
    assert.deepEqual(count(), [{ n: 4n }, { n: 4n }]);
    lock?.release();
    database.close();
  });

  it('says what to do when the file is damaged', async () => {
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

  describe('with a document that other hands changed', () => {
    const change = (json: string) => {
      withDatabase((database) => database.run('UPDATE documents SET document = ?', json));
    };

    it('shows it as it is now, and sets aside what comes for its place', async () => {
      await withStore(async (store) => {
        await store.commit(upload([map({ _id: 1n })], 'A'));
        change('{"_id": 1, "note": "seen"}');
        assert.deepEqual(await collect(store.documents('A')), [map({ _id: 1n, note: 'seen' })]);
        const { deadLetters } = await store.commit(upload([map({ _id: 1n })], 'A'));
        assert.deepEqual(deadLetters, [{ className: 'A', reason: 'id-conflict' }]);
      });
    });

    it('says which one is none any more, and sets aside what comes for its place', async () => {
      await withStore(async (store) => {
        await store.commit(upload([map({ _id: 1n })], 'A'));
        change('{"_id": {"$oid": 1}}');
        await rejectsWith('store-corrupt', false, collect(store.documents('A')));
        const { deadLetters } = await store.commit(upload([map({ _id: 1n })], 'A'));
        assert.deepEqual(deadLetters, [{ className: 'A', reason: 'id-conflict' }]);
      });
    });
  });

  it('sets aside what a unique index refuses that somebody added', async () => {
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

  it('rejects what is asked of a thread that dies', async () => {
    const channel = new WorkerChannel();
    const options = {
      path,
      mode: 'serve',
      maxDeadLetterBytes: 0,
      classPrefix: '',
      busyTimeoutMillis: 0,
    } as const;
    await channel.call('open', options);
    const pings = [channel.call('ping', undefined), channel.call('ping', undefined)];
    const settled = Promise.allSettled(pings);
    await channel.terminate();
    await settled;
    const { code, retryable } = await channel.failed;
    assert.deepEqual({ code, retryable }, { code: 'store-closed', retryable: false });
    await rejectsWith('store-closed', false, channel.call('ping', undefined));
    await channel.close();
  });

  it('says at once that its thread has died, whatever it died of, and not that it was closed', async () => {
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
    // The lock went with the thread.
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

  it('is the whole store once it was closed: nothing is left in the log', async () => {
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

  it('gives bytes of dead letters free that were deleted in the sqlite3 shell', async () => {
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

describe('a large upload', () => {
  it('is encoded in slices, between which others get their turn', async () => {
    const documents = Array.from({ length: 20_000 }, (_, number) =>
      placed(map({ _id: BigInt(number), map: map({ a: 'x'.repeat(50), b: [true, null] }) })),
    );
    let turns = 0;
    let encoded = false;
    const count = () => {
      turns += 1;
      if (!encoded) setImmediate(count);
    };
    setImmediate(count);
    await encodeChangesets([changeset(1, documents)]);
    encoded = true;
    assert.ok(turns > 2, `${turns} turns`);
  });
});
