import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../src/store/open-store.js';
import { map, upload } from '../support/commit-request.js';
import { CommandProcess } from '../support/run-command.js';

describe('realm-ingest export', () => {
  it('ends well when its reader closes the pipe', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'realm-ingest-export-'));
    try {
      const url = `sqlite:${join(directory, 'store.db')}`;
      const store = await openStore(url, { mode: 'serve' });
      const padding = 'x'.repeat(300);
      await store.commit(upload(Array.from({ length: 3000 }, (_, n) => map({ _id: BigInt(n), padding }))));
      await store.close();
      const command = new CommandProcess(['export', '--collection', 'Span', '--store', url]);
      await command.firstLine();
      command.child.stdout.destroy();
      const { code, stderr } = await command.exited;
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
