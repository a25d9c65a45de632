import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { insertInstructions } from '../../../test/support/server/insert-instructions.js';
import { encodeChangeset } from '../../../test/support/server/naive-codec.js';
import { spanChangeset } from '../../../test/support/server/span-changeset.js';
import { logIn, SyncClient } from '../../../test/support/server/sync-client.js';
import {
  describeProxiedMongodb,
  MongodbProxy,
  type HoldPoint,
} from '../../../test/support/mongodb/mongodb-proxy.js';
import { startIngestProcess, type IngestProcess } from '../../../test/support/ingest-process.js';
import { createMongodbScratch, type Scratch } from '../../../test/support/scratch.js';
import {
  storedClientFile,
  storedDeadLetter,
  storedDeadLetters,
  storedDocuments,
} from '../../../test/support/stored.js';

const appId = 'killed';

/** The writes of one commit, in their order, each of which a SIGKILL may precede; and the end of the last. */
const moments: readonly { what: string; command: string; collection: string; point: HoldPoint }[] = [
  { what: 'before the documents', command: 'insert', collection: 'Note', point: 'request' },
  {
    what: 'before the dead letters',
    command: 'insert',
    collection: 'realm_ingest.dead_letters',
    point: 'request',
  },
  {
    what: 'before their bytes',
    command: 'insert',
    collection: 'realm_ingest.changeset_pieces',
    point: 'request',
  },
  {
    what: 'before the progress',
    command: 'update',
    collection: 'realm_ingest.client_files',
    point: 'request',
  },
  {
    what: 'before the acknowledgement',
    command: 'update',
    collection: 'realm_ingest.client_files',
    point: 'answer',
  },
];

describeProxiedMongodb('realm-ingest, killed in the middle of a commit to MongoDB', function () {
  this.timeout(120_000);
  let scratch: Scratch;
  let proxy: MongodbProxy;
  let survivor: IngestProcess;
  let victim: IngestProcess | undefined;

  before(async () => {
    scratch = await createMongodbScratch();
    proxy = await MongodbProxy.create(scratch.store);
    survivor = await start(scratch.store);
  });

  after(async () => {
    await victim?.kill();
    await survivor.kill();
    await proxy.close();
    await scratch.remove();
  });

  for (const { what, command, point, ...moment } of moments) {
    it(`${what}: nothing is lost, and nothing doubled`, async () => {
      victim = await start(proxy.uri);
      const token = (await logIn(victim.url, appId)).access_token;
      const client = await SyncClient.open(victim.url, appId, token);
      const earlier = randomBytes(12);
      client.upload(1, note('first', earlier));
      await client.acknowledgement(1);

      const before = (await storedDeadLetters(scratch.store)).map(({ key }) => key);
      const upload = mixedUpload(what, earlier);
      const reached = proxy.hold(
        ({ name, collection }) => name === command && collection === moment.collection,
        point,
      );
      client.upload(2, upload);
      await reached;
      await victim.kill();
      await client.closed;
      assert.equal(client.acknowledged, 1);

      const next = await SyncClient.open(survivor.url, appId, token, { file: client.file });
      next.upload(2, upload);
      next.upload(3, note(`${what}, after it`));
      await next.acknowledgement(3);
      next.terminate();

      const names = (await storedDocuments(scratch.store, 'Note')).map(({ name }) => String(name));
      assert.deepEqual(names.filter((name) => name.startsWith(what)).sort(), [what, `${what}, after it`]);
      const letters = (await storedDeadLetters(scratch.store)).filter(({ key }) => !before.includes(key));
      assert.deepEqual(letters.map(({ reason }) => reason).sort(), ['class-not-admitted', 'id-conflict']);
      for (const { key } of letters) {
        const letter = await storedDeadLetter(scratch.store, key);
        assert.deepEqual(Buffer.from(letter?.changeset ?? []), Buffer.from(upload));
      }
      const file = await storedClientFile(scratch.store, BigInt(next.file.ident));
      assert.equal(file?.clientVersion, 3n);
    });
  }

  function start(store: string): Promise<IngestProcess> {
    return startIngestProcess({ appId, store, options: ['--classes', 'Note'] });
  }
});

function note(name: string, id: Uint8Array = randomBytes(12)): Uint8Array {
  return spanChangeset([name], { className: 'Note', ids: [id] });
}

/** A changeset that brings something to each collection that a commit writes to. */
function mixedUpload(name: string, idOfAnother: Uint8Array): Uint8Array {
  const objects: readonly (readonly [string, Uint8Array])[] = [
    ['Note', randomBytes(12)],
    ['Note', idOfAnother],
    ['Stranger', randomBytes(12)],
  ];
  return encodeChangeset(
    objects.flatMap(([className, id]) =>
      insertInstructions({
        className,
        primaryKey: { type: 'objectId', value: new Uint8Array(id) },
        properties: new Map([['name', { type: 'string', value: name }]]),
      }),
    ),
  );
}
