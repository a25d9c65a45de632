import assert from 'node:assert/strict';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import type { Ingest } from '../support/ingest.js';
import { describeKotlin, nextSecond, untilKilled } from '../support/kotlin-suite.js';

describeKotlin(
  'a Realm file that two processes open',
  { stores: 'SQLite', protocol: 14 },
  ({ site, start, ...lab }) => {
    it('is synced by the first alone, as the engine has it, and all that either writes is stored once', async () => {
      const directory = join(site.scratch.path, 'device');
      const first = start(5000, untilKilled(directory));
      await lab.storesMoreThan(0);
      await nextSecond();
      const second = start(5000, { ...untilKilled(directory), CLIENT_SEED: '2' });
      await eventually(
        'the refusal of the engine',
        () => second.errors(),
        (errors) => /multiple sync agents/i.test(errors),
        120_000,
      );
      await lab.storesMoreThan((await lab.stored()).length); // the first goes on
      for (const client of [first, second]) client.kill();
      await Promise.all([first.exit, second.exit]);

      const third = start(5, { CLIENT_DIR: directory, CLIENT_SEED: '3' });
      await lab.assertDelivered([third], [first, second]);
      assert.deepEqual((site.server as Ingest).errors, []);
    });
  },
);
