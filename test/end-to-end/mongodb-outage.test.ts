import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type Realm from '../support/engine/realm.mjs';
import { BSON, engineName } from '../support/engine/realm.mjs';
import { parseExposition, valueOf } from '../support/server/exposition.js';
import { ownConnection } from '../support/server/sync-client.js';
import { describeProxiedMongodb, MongodbProxy } from '../support/mongodb/mongodb-proxy.js';
import { createTestDatabase, type TestDatabase } from '../support/mongodb/test-database.js';
import { closeDevices, openDevice, type Device } from '../support/device.js';
import { eventually } from '../support/eventually.js';
import { startIngestProcess, type IngestProcess } from '../support/ingest-process.js';
import { closeReader, storedDeadLetters } from '../support/stored.js';

const appId = 'outage';
const schema: Realm.ObjectSchema[] = [
  {
    name: 'Note',
    asymmetric: true,
    primaryKey: '_id',
    properties: { _id: 'objectId', text: 'string' },
  },
];

/** How long MongoDB is away; a minute takes two and a half, and shows what the defaults of the driver come to. */
const outageSeconds = Number(process.env.MONGODB_OUTAGE_SECONDS ?? 3);

/** Beyond this, clients are sent away and not only left waiting. */
const holdBackSeconds = 20;

/** With outages of seconds, a driver that notices within seconds. */
const driverOptions: Record<string, string> =
  outageSeconds > holdBackSeconds
    ? {}
    : {
        heartbeatFrequencyMS: '500',
        connectTimeoutMS: '1000',
        serverSelectionTimeoutMS: '1000',
        socketTimeoutMS: '2000',
      };

const devices = 3;
const noteBytes = 20_000;
const notesPerDevice = 100;
/** Of the 6 MB that are written meanwhile, 3 MB as clients compress them. */
const maxInflightBytes = 1024 * 1024;

/** What a connection may send beyond it before it is stopped. */
const readBytes = 64 * 1024;

/** One message may always finish, and one be inflated: clients put up to 128 KiB and a transaction into one. */
const messageBytes = 2 * (128 * 1024 + noteBytes);

const heldBack = 'the store takes no uploads: clients are held back';

const ways = [
  {
    what: 'its connections are cut',
    begin: (proxy: MongodbProxy) => {
      proxy.cut();
    },
  },
  {
    what: 'it ends its connections in order',
    begin: (proxy: MongodbProxy) => {
      proxy.cut('FIN');
    },
  },
  {
    what: 'it goes silent, and nobody is told',
    begin: (proxy: MongodbProxy) => {
      proxy.silence();
    },
  },
];

describeProxiedMongodb(
  `realm-ingest, when MongoDB is lost for ${outageSeconds} s while devices (${engineName} engine) write`,
  function () {
    this.timeout(180_000 + outageSeconds * 4000);
    let database: TestDatabase;
    let proxy: MongodbProxy;
    let server: IngestProcess;

    beforeEach(async () => {
      database = await createTestDatabase();
      proxy = await MongodbProxy.create(database.uri);
      const store = new URL(proxy.uri);
      for (const [name, value] of Object.entries(driverOptions)) store.searchParams.set(name, value);
      server = await startIngestProcess({
        appId,
        store: store.href,
        options: [
          ...['--classes', 'Note', '--metrics-port', '0'],
          ...['--max-inflight-bytes', String(maxInflightBytes)],
        ],
      });
    });

    afterEach(async () => {
      closeDevices();
      await server.kill();
      await proxy.close();
      await closeReader(database.uri);
      await database.remove();
    });

    for (const { what, begin } of ways) {
      it(`because ${what}: holds them back, loses nothing, doubles nothing, within its budget`, async () => {
        const writers = await Promise.all(
          Array.from({ length: devices }, () => openDevice({ baseUrl: server.url, appId, schema })),
        );
        // As much again before the outage as within it, so that the heap has its size.
        await writeFor(writers, 2, notesPerDevice / 2);
        await Promise.all(writers.map((device) => device.uploaded(30_000)));
        const before = devices * (notesPerDevice / 2);
        assert.equal(await storedNotes(), before);
        const baseline = server.residentBytes();
        let peak = baseline;
        let noticed = Number.NaN;
        const watch = watchInflightBytes();
        const sampling = setInterval(() => {
          peak = Math.max(peak, server.residentBytes());
          if (Number.isNaN(noticed) && server.output().includes(heldBack)) noticed = performance.now();
        }, 250);
        try {
          begin(proxy);
          const begun = performance.now();
          // Half of it at once, before reading stops; the rest meanwhile.
          await writeFor(writers, 0, notesPerDevice / 2);
          await writeFor(writers, outageSeconds, notesPerDevice / 2);
          const held = await storedNotes();
          assert.ok(held < before + devices * notesPerDevice, 'something is held back');
          // A server that reads slowly has its clients' messages only once it has sent them away, and they are back.
          await eventually(
            'pressure',
            () => watch.peakBytes(),
            (bytes) => bytes > maxInflightBytes / 2,
            90_000,
          );
          proxy.restore();
          const restored = performance.now();
          await eventually('the first document after it', storedNotes, (count) => count > held, 90_000);
          const recovered = performance.now();
          await Promise.all(writers.map((device) => device.uploaded(120_000)));
          const maxInflight = watch.peakBytes();
          const bound = maxInflightBytes + devices * readBytes + messageBytes;
          assert.ok(maxInflight <= bound, `${maxInflight} bytes in flight, ${bound} at most`);
          report({
            inflightKiB: maxInflight / 2 ** 10,
            outageMillis: restored - begun,
            noticedMillis: noticed - begun,
            recoveryMillis: recovered - restored,
            allMillis: performance.now() - restored,
            baselineMiB: baseline / 2 ** 20,
            growthMiB: (peak - baseline) / 2 ** 20,
          });
        } finally {
          clearInterval(sampling);
          await watch.end();
        }
        assert.equal(await storedNotes(), before + devices * notesPerDevice);
        assert.deepEqual(await storedDeadLetters(database.uri), []);
        assert.ok(server.output().includes(heldBack), server.output());
        if (outageSeconds > holdBackSeconds) assert.match(server.output(), /client-held-back|sync-overload/);
      });
    }

    function storedNotes(): Promise<number> {
      return database.db.collection('Note').countDocuments();
    }

    /** Scrapes until it is told to end. */
    function watchInflightBytes(): { peakBytes(): number; end(): Promise<void> } {
      const metricsUrl = /metrics are at (\S+)/.exec(server.output())?.[1];
      assert.ok(metricsUrl !== undefined, server.output());
      let peak = 0;
      const ended = new AbortController();
      const watching = (async () => {
        while (!ended.signal.aborted) {
          const families = parseExposition(await (await fetch(metricsUrl, ownConnection)).text());
          peak = Math.max(peak, valueOf(families, 'realm_ingest_inflight_bytes'));
          await delay(50);
        }
      })();
      return {
        peakBytes: () => peak,
        async end() {
          ended.abort();
          await watching;
        },
      };
    }
  },
);

/** Every device writes `count` notes, spread over a time. */
async function writeFor(writers: readonly Device[], seconds: number, notes: number): Promise<void> {
  const begun = performance.now();
  for (let n = 0; n < notes; n++) {
    for (const device of writers) {
      const text = randomBytes(noteBytes / 2).toString('hex');
      device.write('Note', { _id: new BSON.ObjectId(), text });
    }
    await delay(Math.max(0, begun + ((n + 1) * seconds * 1000) / notes - performance.now()));
  }
}

function report(figures: Record<string, number>): void {
  const text = Object.entries(figures).map(([name, value]) => `${name} ${Math.round(value)}`);
  console.log(`      ${text.join(', ')}`); // eslint-disable-line no-console -- measured, in the report
}
