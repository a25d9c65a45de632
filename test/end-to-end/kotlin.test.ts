import assert from 'node:assert/strict';
import { written } from '../support/kotlin-documents.js';
import { describeKotlin } from '../support/kotlin-suite.js';
import { storedDeadLetters } from '../support/stored.js';

describeKotlin('a native client and realm-ingest', {}, ({ site, start, stored, ...lab }) => {
  it('stores what the client wrote, nearly every property type', async () => {
    const client = start(60);
    assert.equal(await client.exit, 0, client.errors());
    assert.deepEqual(await stored(), written(client));
    assert.deepEqual(await storedDeadLetters(site.store), []);
  });

  it('delivers everything of a file whose server is killed again and again', async () => {
    await site.restart({ ownProcess: true });
    const client = start(400, { CLIENT_BATCH: '5', CLIENT_PAUSE_MS: '20', CLIENT_TIMEOUT: '60' });
    for (const goal of [50, 150, 250]) {
      await lab.storesMoreThan(goal);
      site.network.cut();
      await site.restart({ ownProcess: true });
    }
    await lab.assertDelivered([client]);
  });
});
