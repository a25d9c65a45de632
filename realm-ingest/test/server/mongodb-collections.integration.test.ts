import assert from 'node:assert/strict';
import { createIngestServer, type IngestServer } from '../../src/server/ingest-server.js';
import {
  createTestDatabase,
  describeMongodb,
  type TestDatabase,
} from '../../../test/support/mongodb/test-database.js';
import { runHere } from '../support/run-command.js';
import { RecordingLogger } from '../../../test/support/server/recording-logger.js';
import { spanChangeset } from '../../../test/support/server/span-changeset.js';
import { logIn, SyncClient } from '../../../test/support/server/sync-client.js';

const appId = 'my-app';

describeMongodb('a server whose collections have names of their own', () => {
  let database: TestDatabase;
  let server: IngestServer;

  beforeEach(async () => {
    database = await createTestDatabase();
    server = createIngestServer({
      ...{ appId, store: database.uri, port: 0, allowAnonymous: true, logger: new RecordingLogger() },
      ...{ classes: ['Sensor'], collections: { Span: 'traces', Sensor: 'sensors' } },
    });
  });

  afterEach(async () => {
    await server.close();
    await database.remove();
  });

  const names = async (collection: string): Promise<unknown[]> => {
    const found = await database.db.collection(collection).find().sort({ name: 1 }).toArray();
    return found.map(({ name }) => name as unknown);
  };
  const run = (...args: string[]) => runHere(...args, '--store', database.uri);

  it('stores, compares, retries and exports there', async () => {
    const { url } = await server.start();
    const client = await SyncClient.open(url, appId, (await logIn(url, appId)).access_token);
    const ids = [new Uint8Array(12)];
    client.upload(10, spanChangeset(['a'], { ids }));
    client.upload(11, spanChangeset(['reading'], { className: 'Sensor' }));
    // Another span with the _id of the first; one of a class that is not admitted yet.
    client.upload(12, spanChangeset(['b'], { ids }));
    client.upload(13, spanChangeset(['late'], { className: 'Pump' }));
    while (client.acknowledged < 13) await client.receive('download');
    client.terminate();
    assert.deepEqual([await names('traces'), await names('sensors')], [['a'], ['reading']]);
    assert.deepEqual(server.counters?.uploads.deadLetters, { 'id-conflict': 1, 'class-not-admitted': 1 });

    const listed = await run('dead-letters', 'list');
    assert.match(listed.stdout, /id-conflict +Span .* is stored in traces\n/);
    assert.match(listed.stdout, /class-not-admitted +Pump /);

    const collections = 'Span=traces,Sensor=sensors,Pump=pumps';
    const options = ['--classes', 'Sensor,Pump', '--collections', collections];
    const retried = await run('dead-letters', 'retry', '--all', ...options);
    assert.match(retried.stdout, /kept \w+: id-conflict\n/);
    assert.match(retried.stdout, /stored \w+\n/);
    assert.deepEqual(await names('pumps'), ['late']);

    const exported = await run('export', '--collection', 'traces');
    assert.match(exported.stdout, /^\{"_id":.*"name":"a".*\}\n$/);
    const { stderr } = await run('export', '--collection', 'Span');
    assert.match(stderr, /the store has pumps, sensors, traces\n$/);
  });
});
