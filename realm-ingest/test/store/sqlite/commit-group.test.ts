import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commitGroup } from '../../../src/store/sqlite/commit-group.js';
import { encodeChangesets } from '../../../src/store/sqlite/encode-commit.js';
import { openDatabase } from '../../../src/store/sqlite/open-database.js';
import { changeset, file, map, placed, receivedAt } from '../../support/commit-request.js';

describe('commitGroup', () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'commit-group-'));
    path = join(directory, 'telemetry.db');
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it('stores nothing of a commit without room, and continues when there is room', async () => {
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
    // Commits of the same transaction may fail with it, but nothing is acknowledged that was not stored.
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
});
