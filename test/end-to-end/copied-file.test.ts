import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import type { Ingest } from '../support/ingest.js';
import { copyRealm } from '../support/kotlin-client.js';
import { describeKotlin, nextSecond, untilKilled } from '../support/kotlin-suite.js';

describeKotlin('a Realm file that is copied and restored', {}, ({ site, start, ...lab }) => {
  it('delivers once what every copy of it holds, and all that they write', async () => {
    const [device, image] = [join(site.scratch.path, 'device'), join(site.scratch.path, 'image')];

    // Killed while it writes, in the middle of an upload that the server has stored and nobody was told of.
    const killed = start(5000, untilKilled(device));
    const silenced = await lab.storesMoreThan(20);
    site.network.silenceServer();
    await lab.storesMoreThan(Math.max(silenced, await stillStored()));
    const printed = killed.lines.length;
    await eventually(
      'another commit',
      () => killed.lines.length,
      (lines) => lines > printed,
    );
    killed.kill();
    assert.equal(await killed.exit, null);
    site.network.connectTo(site.server.url);
    await copyRealm(device, image);

    const goesOn = start(20, { CLIENT_DIR: device, CLIENT_SEED: '2' });
    await lab.assertDelivered([goesOn], [killed]);

    // The state of the kill is back: it sends again what has arrived, and new objects under versions that have been used.
    await rm(device, { recursive: true });
    await copyRealm(image, device);
    const slowly = { CLIENT_PRINT: 'commit', CLIENT_BATCH: '2', CLIENT_PAUSE_MS: '300' };
    const restored = start(20, { CLIENT_DIR: device, CLIENT_SEED: '3', ...slowly });
    await eventually('a commit', () => restored.lines.length > 0);
    await nextSecond();
    const copied = start(20, { CLIENT_DIR: image, CLIENT_SEED: '4' });
    await lab.assertDelivered([goesOn, restored, copied], [killed]);
    for (const client of [goesOn, restored, copied]) assert.doesNotMatch(client.errors(), /sync error/);
    assert.deepEqual((site.server as Ingest).errors, []);
  });

  const stillStored = async (): Promise<number> => (await lab.stored()).length;
});
