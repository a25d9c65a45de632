import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openStore } from '../../../src/store/open-store.js';
import { Database } from '../../../src/store/sqlite/database.js';
import { StoreError } from '../../../src/store/store-error.js';
import { collect } from '../../support/commit-request.js';

describe('a process that is killed while it commits', function () {
  this.timeout(120_000);
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sqlite-kill-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  /** Commits until `count` more documents are acknowledged; returns the last one's number. */
  async function commitAndKill(url: string, first: number, count: number): Promise<number> {
    const script = fileURLToPath(new URL('../../support/committing-process.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', script, url, String(first)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exit = once(child, 'exit');
    let last = first - 1;
    let refusal: unknown;
    for await (const line of createInterface({ input: child.stdout })) {
      last = Number(line);
      if (last === first + count) {
        refusal = await openStore(url, { mode: 'serve', busyTimeoutMillis: 0 }).catch(
          (error: unknown) => error,
        );
        child.kill('SIGKILL');
      }
    }
    assert.deepEqual(await exit, [null, 'SIGKILL']);
    assert.ok(refusal instanceof StoreError && refusal.code === 'store-in-use');
    return last;
  }

  it('leaves all acknowledged documents, a sound file and no lock', async () => {
    const path = join(directory, 'telemetry.db');
    const url = `sqlite:${path}`;
    let last = -1;
    for (const count of [10, 25]) last = await commitAndKill(url, last + 1, count);
    assert.ok(last >= 35);

    const store = await openStore(url, { mode: 'serve', busyTimeoutMillis: 0 });
    const ids = new Set((await collect(store.documents('Span'))).map((document) => document._id as string));
    await store.close();
    for (let number = 0; number <= last; number += 1) {
      assert.ok(ids.has(String(number)), `${number} of ${last}`);
      // An upload is stored as a whole.
      for (let place = 0; place < number % 5; place += 1) assert.ok(ids.has(`${number}-${place}`));
    }

    const database = new Database(path, 1000);
    assert.deepEqual(database.all('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
    database.close();
  });
});
