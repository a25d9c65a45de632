import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { addApiKey } from '../support/api-keys.js';
import type { Ingest } from '../support/ingest.js';
import { idOf, written } from '../support/kotlin-documents.js';
import { describeKotlin, untilKilled } from '../support/kotlin-suite.js';
import { createBackup } from '../support/store-backup.js';
import type { StoredDocument } from '../support/stored.js';

describeKotlin(
  'a native client whose server loses its store',
  { stores: 'SQLite' },
  ({ site, start, stored, storesMoreThan }) => {
    it('delivers everything to one store or another, through older copies and empty ones', async () => {
      const backup = createBackup(site.scratch);
      const directory = join(site.scratch.path, 'device');
      /** What was in any store, by `_id`. */
      const everStored = new Map<string, StoredDocument>();
      const collect = async (): Promise<void> => {
        for (const document of await stored()) everStored.set(idOf(document), document);
      };
      /** Access tokens have expired by the time at which the server is back. */
      const swap = async (change: () => Promise<void>): Promise<void> => {
        await site.stop();
        await collect();
        await change();
        await site.restart({ accessTokenSeconds: 1 });
      };
      const adopted = (): unknown => (site.server as Ingest).counters.sync.adoptedFiles;

      const killed = start(5000, untilKilled(directory));
      const kept = await storesMoreThan(10);
      await swap(() => backup.take());
      await storesMoreThan(kept + 10);
      await swap(() => backup.restore());
      await storesMoreThan(kept + 10);
      assert.deepEqual(adopted(), { ahead: 1 });
      killed.kill();
      assert.equal(await killed.exit, null);

      await swap(() => backup.lose()); // with its secret
      const last = start(5, { CLIENT_DIR: directory, CLIENT_SEED: '2' });
      assert.equal(await last.exit, 0, last.errors());
      assert.doesNotMatch(last.errors(), /\(fatal\)|isFatal=true/);
      assert.deepEqual(adopted(), { unknown: 1, unverified: 1, ahead: 1 });
      await collect();
      const lines = written(killed, last);
      assert.deepEqual(
        lines.map((line) => everStored.get(idOf(line))),
        lines,
      );
    });
  },
);

describeKotlin(
  'a native client with an API key whose server loses its secret',
  { stores: 'SQLite', protocol: 14 },
  ({ site, start, assertDelivered }) => {
    it('is held back, keeps what it has, and delivers it once it has logged in anew', async () => {
      const directory = join(site.scratch.path, 'device');
      const key = await addApiKey(site.store, 'gateway');
      const environment = { CLIENT_DIR: directory, CLIENT_API_KEY: key };
      const before = start(10, environment);
      await assertDelivered([before]);

      await site.restart({ secret: 'another secret'.padEnd(32, '.') });
      const heldBack = start(10, { ...environment, CLIENT_SEED: '2', CLIENT_TIMEOUT: '8' });
      assert.equal(await heldBack.exit, 1);
      assert.match(heldBack.errors(), /auth\/session 503/);

      await rm(join(directory, 'mongodb-realm'), { recursive: true }); // the engine's users; it logs in at once without
      const loggedIn = start(10, { ...environment, CLIENT_SEED: '3' });
      assert.equal(await loggedIn.exit, 0, loggedIn.errors());
      await assertDelivered([before, loggedIn], [heldBack]);
    });
  },
);
