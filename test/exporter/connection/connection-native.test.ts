import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { engineName } from '../../engine/realm.mjs';
import { eventually } from '../../end-to-end/eventually.js';
import { startIngest } from '../../end-to-end/ingest.js';
import { Network } from '../../end-to-end/network.js';
import { createScratch } from '../../end-to-end/scratch.js';
import { storedCount } from '../../end-to-end/stored.js';

const worker = fileURLToPath(new URL('connection-worker.ts', import.meta.url));
const appId = 'workers';

const skipped = engineName === 'native' ? '' : '; skipped: native engine not installed';

describe(`connections of several processes (native engine${skipped})`, function () {
  this.timeout(180_000);

  before(function () {
    // The WebAssembly engine keeps its files in memory: they go with their process.
    if (engineName !== 'native') this.skip();
  });

  it('lose nothing when three are killed offline and one comes back', async () => {
    const scratch = await createScratch();
    const network = await Network.create();
    const server = await startIngest({ appId, store: scratch.store });
    const start = async (name: string, count: number): Promise<ChildProcess> => {
      const args = [network.url, appId, scratch.path, name, String(count)];
      const child = fork(worker, args, { execArgv: ['--import', 'tsx'] });
      const [answer] = (await once(child, 'message')) as [{ stored: number }];
      assert.equal(answer.stored, count);
      return child;
    };
    const kill = async (child: ChildProcess): Promise<void> => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    };
    try {
      const workers = await Promise.all([start('a', 50), start('b', 40), start('c', 30)]);
      await Promise.all(workers.map(kill));
      network.connectTo(server.url);
      const heir = await start('d', 10);
      heir.send('flush');
      await eventually(
        'all of their records',
        () => storedCount(scratch.store, 'Span'),
        (count) => count === 130,
        150_000,
      );
      await kill(heir);
    } finally {
      await server.close();
      await network.close();
      await scratch.remove();
    }
  });
});
