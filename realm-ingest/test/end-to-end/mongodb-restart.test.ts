import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { logIn, SyncClient } from '../../../test/support/server/sync-client.js';
import { spanChangeset } from '../../../test/support/server/span-changeset.js';
import { describeProxiedMongodb, MongodbProxy } from '../../../test/support/mongodb/mongodb-proxy.js';
import { eventually } from '../../../test/support/eventually.js';
import { startIngestProcess, type IngestProcess } from '../../../test/support/ingest-process.js';
import { createMongodbScratch, type Scratch } from '../../../test/support/scratch.js';
import { storedCount, storedDeadLetters } from '../../../test/support/stored.js';

const appId = 'restarted';
const writerCount = 16;

/** As many as show the figures; a few are enough to find a device that is stuck. */
const rounds = Number(process.env.MONGODB_RESTARTS ?? 6);

/** Far more than was measured, and less than the deadline of a write. */
const recoveryMillis = 15_000;

describeProxiedMongodb(
  `realm-ingest, when MongoDB ends its connections in order while ${writerCount} devices write`,
  function () {
    this.timeout(60_000 + rounds * 30_000);
    let scratch: Scratch;
    let proxy: MongodbProxy;
    let server: IngestProcess;

    before(async () => {
      scratch = await createMongodbScratch();
      proxy = await MongodbProxy.create(scratch.store);
      server = await startIngestProcess({ appId, store: proxy.uri, options: ['--classes', 'Note'] });
    });

    after(async () => {
      await server.kill();
      await proxy.close();
      await scratch.remove();
    });

    it(`acknowledges every one of them within seconds, ${rounds} times`, async () => {
      const writers = await Promise.all(Array.from({ length: writerCount }, () => Writer.start(server.url)));
      const millis: number[] = [];
      try {
        for (let round = 0; round < rounds; round += 1) {
          await acknowledged(writers, 2);
          proxy.end();
          const begun = performance.now();
          // The upload that was under way, and one more.
          await acknowledged(writers, 2);
          millis.push(Math.round(performance.now() - begun));
        }
      } finally {
        for (const writer of writers) writer.stop();
      }
      const counts = await Promise.all(writers.map((writer) => writer.ended));
      for (const writer of writers) writer.client.terminate();
      console.log(`      milliseconds until all were acknowledged: ${millis.join(' ')}`); // eslint-disable-line no-console -- measured, in the report
      assert.equal(
        await storedCount(scratch.store, 'Note'),
        counts.reduce((sum, count) => sum + count, 0),
      );
      assert.deepEqual(await storedDeadLetters(scratch.store), []);
    });
  },
);

/** Waits until each of them has this many more acknowledgements. */
async function acknowledged(writers: readonly Writer[], more: number): Promise<void> {
  const goals = writers.map(({ client }) => client.acknowledged + more);
  await eventually(
    'acknowledgements',
    () => writers.filter(({ client }, place) => client.acknowledged < goals[place]!).length,
    (stuck) => stuck === 0,
    recoveryMillis,
  );
}

/** A device that uploads one changeset after the other. */
class Writer {
  readonly client: SyncClient;
  /** How many it has uploaded; all of them are acknowledged by then. */
  readonly ended: Promise<number>;
  #isStopped = false;

  private constructor(client: SyncClient) {
    this.client = client;
    this.ended = this.#write();
  }

  static async start(url: string): Promise<Writer> {
    const token = (await logIn(url, appId)).access_token;
    return new Writer(await SyncClient.open(url, appId, token));
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #write(): Promise<number> {
    let version = 0;
    while (!this.#isStopped) {
      version += 1;
      this.client.upload(version, spanChangeset([`note ${version}`], { className: 'Note' }));
      await this.client.acknowledgement(version);
      await setImmediate();
    }
    return version;
  }
}
