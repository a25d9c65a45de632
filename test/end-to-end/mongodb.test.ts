import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type Realm from '../support/engine/realm.mjs';
import { BSON, engineName } from '../support/engine/realm.mjs';
import { insertInstructions } from '../support/server/insert-instructions.js';
import { encodeChangeset } from '../support/server/naive-codec.js';
import { logIn, SyncClient } from '../support/server/sync-client.js';
import { spanChangeset } from '../support/server/span-changeset.js';
import { describeProxiedMongodb, MongodbProxy, proxyMissing } from '../support/mongodb/mongodb-proxy.js';
import { describeMongodb } from '../support/mongodb/test-database.js';
import { skip } from '../support/skip.js';
import { closeDevices, openDevice } from '../support/device.js';
import { eventually } from '../support/eventually.js';
import { startIngestProcess, type IngestProcess } from '../support/ingest-process.js';
import { copyRealm, kotlinMissing, kotlinVersions, startKotlinClient } from '../support/kotlin-client.js';
import { byId, idOf, written } from '../support/kotlin-documents.js';
import { nextSecond } from '../support/kotlin-suite.js';
import { Network } from '../support/network.js';
import { createMongodbScratch, type Scratch } from '../support/scratch.js';
import { storedClientFile, storedCount, storedDeadLetters, storedDocuments } from '../support/stored.js';

const appId = 'several-processes';
const schema: Realm.ObjectSchema[] = [
  { name: 'Note', asymmetric: true, primaryKey: '_id', properties: { _id: 'objectId' } },
];

describeMongodb('three realm-ingest processes on one MongoDB', function () {
  this.timeout(180_000);
  let scratch: Scratch;
  /** Between the first server and MongoDB, if it can stand there. */
  let proxy: MongodbProxy | undefined;
  let servers: readonly [IngestProcess, IngestProcess, IngestProcess];
  let network: Network;

  before(async () => {
    scratch = await createMongodbScratch();
    proxy = proxyMissing(scratch.store) === undefined ? await MongodbProxy.create(scratch.store) : undefined;
    servers = await Promise.all([
      startServer(proxy?.uri ?? scratch.store),
      startServer(scratch.store),
      startServer(scratch.store),
    ]);
  });

  after(async () => {
    await Promise.all(servers.map((server) => server.kill()));
    await proxy?.close();
    await scratch.remove();
  });

  beforeEach(async () => {
    network = await Network.create();
  });

  afterEach(async () => {
    closeDevices();
    await network.close();
  });

  describe('live copies of one file', () => {
    it('store everything that any of them sends once, for every pair of versions', async () => {
      const token = (await logIn(servers[0].url, appId)).access_token;
      const original = await SyncClient.open(servers[0].url, appId, token);
      const changesets = new Map<number, Uint8Array>([
        [1, spanChangeset([], { className: 'Note', schema: true })],
        [2, notes('original', 2)],
        [3, notes('original', 3)],
        // Written before the copies were made, and not acknowledged by then.
        [4, notes('unsent', 4)],
      ]);
      const send = (client: SyncClient, version: number): void => {
        client.upload(version, changesets.get(version)!);
      };
      for (const version of [1, 2]) send(original, version);
      await original.acknowledgement(2);
      const older = original.file;
      send(original, 3);
      await original.acknowledgement(3);
      const newer = original.file;
      original.terminate();

      const copies = await Promise.all([
        SyncClient.open(servers[0].url, appId, token, { file: newer }),
        SyncClient.open(servers[1].url, appId, token, { file: newer }),
        SyncClient.open(servers[2].url, appId, token, { file: older }),
      ]);
      send(copies[2], 3);
      for (const copy of copies) send(copy, 4);
      for (let version = 5; version <= 14; version++) {
        for (const [place, copy] of copies.entries()) copy.upload(version, notes(`copy ${place}`, version));
      }
      // The second goes on alone, and stays ahead.
      copies[1].upload(20, notes('ahead', 20));
      await Promise.all([14, 20, 14].map((last, place) => copies[place]!.acknowledgement(last)));
      for (const copy of copies) copy.terminate();

      const expected = ['original 2', 'original 3', 'unsent 4', 'ahead 20'];
      for (let version = 5; version <= 14; version++) {
        for (const place of [0, 1, 2]) expected.push(`copy ${place} ${version}`);
      }
      assert.deepEqual(await namesLike(/^(original|unsent|ahead|copy)/u), expected.sort());
      assert.deepEqual(await letters(), []);
      const file = await storedClientFile(scratch.store, BigInt(newer.ident));
      assert.equal(file?.clientVersion, 20n);
      assert.equal(file.salt, BigInt(newer.salt));
    });

    it('of a native engine see no error, and both deliver', async function () {
      this.timeout(600_000); // the first run compiles the client
      if (kotlinMissing !== undefined) skip(this, kotlinMissing);
      const start = (server: IngestProcess, count: number, environment: Record<string, string>) =>
        startKotlinClient({
          version: kotlinVersions[1],
          baseUrl: server.url,
          appId,
          count,
          environment,
        });
      const directory = join(scratch.path, 'device');
      const first = start(servers[0], 20, { CLIENT_DIR: directory });
      assert.equal(await first.exit, 0, first.errors());
      const copy = join(scratch.path, 'copy');
      await copyRealm(directory, copy);

      const slowly = { CLIENT_PRINT: 'commit', CLIENT_BATCH: '2', CLIENT_PAUSE_MS: '300' };
      const again = start(servers[1], 60, { CLIENT_DIR: directory, CLIENT_SEED: '2', ...slowly });
      await eventually('a commit', () => again.lines.length > 0);
      await nextSecond();
      const fromCopy = start(servers[2], 20, { CLIENT_DIR: copy, CLIENT_SEED: '3', ...slowly });
      for (const client of [again, fromCopy]) {
        assert.equal(await client.exit, 0, client.errors());
        assert.doesNotMatch(client.errors(), /error/i);
      }
      const stored = byId(await storedDocuments(scratch.store, 'Measurement'));
      assert.deepEqual(stored.map(idOf), written(first, again, fromCopy).map(idOf));
      assert.deepEqual(stored, written(first, again, fromCopy));
      assert.deepEqual(await letters(), []);
    });
  });

  describeProxiedMongodb('one of them stopped between reading an upload and inserting it', () => {
    it('does no harm when it wakes up after its client has gone to another', async () => {
      const [stopped, other] = servers;
      network.connectTo(stopped.url);
      const device = await openDevice({ baseUrl: network.url, appId, schema });
      const ids = Array.from({ length: 6 }, () => new BSON.ObjectId().toHexString());
      const write = (...some: string[]): void => {
        device.write('Note', ...some.map((id) => ({ _id: new BSON.ObjectId(id) })));
      };
      write(ids[0]!);
      await device.uploaded();

      const insertion = proxy!.hold(({ name, collection }) => name === 'insert' && collection === 'Note');
      write(ids[1]!, ids[2]!);
      const held = await insertion;
      await stopped.suspend();
      network.cut();
      network.connectTo(other.url);
      write(ids[3]!, ids[4]!);
      await device.uploaded(30_000);
      assert.equal((await storedIds(ids)).length, 5, 'the other one has stored it');

      const progress = proxy!.hold(
        ({ name, collection }) => name === 'update' && collection === 'realm_ingest.client_files',
        'answer',
      );
      stopped.resume();
      held.release();
      (await progress).release();
      write(ids[5]!);
      await device.uploaded(30_000);
      assert.equal((await storedIds(ids)).length, 6);
      assert.deepEqual(await letters(), []);
    });

    it('acknowledges that upload and no later one, and leaves the progress at its highest', async () => {
      const [stopped, other] = servers;
      const token = (await logIn(other.url, appId)).access_token;
      const early = await SyncClient.open(stopped.url, appId, token);
      const late = noteAndStranger('late 1');
      // It is asked before anything is inserted: whether the stranger's letter is there already.
      const lookUp = proxy!.hold(
        ({ name, collection }) => name === 'find' && collection.endsWith('dead_letters'),
      );
      early.upload(1, late);
      const held = await lookUp;
      await stopped.suspend();
      assert.deepEqual(await namesLike(/^late /u), []);
      const next = await SyncClient.open(other.url, appId, token, { file: early.file });
      next.upload(1, late);
      next.upload(2, notes('later', 2));
      await next.acknowledgement(2);

      stopped.resume();
      held.release();
      await early.acknowledgement(1);
      assert.equal(early.acknowledged, 1, 'it speaks for what it has stored itself');
      assert.deepEqual(await namesLike(/^late/u), ['late 1', 'later 2']);
      assert.deepEqual(await letters(), ['class-not-admitted']);
      assert.equal((await storedClientFile(scratch.store, BigInt(next.file.ident)))?.clientVersion, 2n);
      early.terminate();
      next.terminate();
    });
  });

  // The last: it leaves two servers.
  describe(`one of them killed, while a device (${engineName} engine) is thrown from one to the next`, () => {
    it('lose nothing, and store nothing twice', async () => {
      const before = await letters();
      const count = await storedCount(scratch.store, 'Note');
      network.connectTo(servers[0].url);
      const device = await openDevice({ baseUrl: network.url, appId, schema });
      const stopWriting = device.keepWriting('Note');
      let written: number;
      try {
        for (const next of [1, 2, 0, 1] as const) {
          await device.uploaded(30_000);
          network.cut();
          network.connectTo(servers[next].url);
        }
        await servers[0].kill();
      } finally {
        written = stopWriting();
      }
      await device.uploaded(30_000);
      assert.equal((await storedCount(scratch.store, 'Note')) - count, written);
      assert.deepEqual(await letters(), before);
    });
  });

  function startServer(store: string): Promise<IngestProcess> {
    return startIngestProcess({ appId, store, options: ['--classes', 'Note,Measurement'] });
  }

  /** Names of the notes that are stored, sorted. */
  async function namesLike(pattern: RegExp): Promise<string[]> {
    const names = (await storedDocuments(scratch.store, 'Note')).map(({ name }) => String(name));
    return names.filter((name) => pattern.test(name)).sort();
  }

  /** Reasons of the dead letters. */
  async function letters(): Promise<string[]> {
    return (await storedDeadLetters(scratch.store)).map(({ reason }) => reason);
  }

  /** Those of some `_id`s that are stored, as often as they are. */
  async function storedIds(ids: readonly string[]): Promise<string[]> {
    const stored = await storedDocuments(scratch.store, 'Note');
    return stored.map(({ _id }) => (_id as { $oid: string }).$oid).filter((id) => ids.includes(id));
  }
});

/** A changeset with one object, which is named after it. */
function notes(what: string, version: number): Uint8Array {
  return spanChangeset([`${what} ${version}`], { className: 'Note' });
}

/** A changeset with a note, and an object of a class that is not admitted. */
function noteAndStranger(name: string): Uint8Array {
  const instructions = ['Note', 'Stranger'].flatMap((className) =>
    insertInstructions({
      className,
      primaryKey: { type: 'objectId', value: new Uint8Array(randomBytes(12)) },
      properties: new Map([['name', { type: 'string', value: name }]]),
    }),
  );
  return encodeChangeset(instructions);
}
