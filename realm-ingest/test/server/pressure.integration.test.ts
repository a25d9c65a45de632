import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ObjectId } from 'bson';
import { openStore } from '../../src/store/open-store.js';
import { eventually } from '../../../test/support/eventually.js';
import { largeChangeset } from '../support/large-changeset.js';
import { measuredAppId, startMeasuredServer, type MeasuredServer } from '../support/measured-server.js';
import { parseExposition, valueOf } from '../../../test/support/server/exposition.js';
import { logIn, ownConnection, SyncClient } from '../../../test/support/server/sync-client.js';

const kibibyte = 2 ** 10;
const mebibyte = 2 ** 20;
const clientCount = 200;
const vanishing = 20;
const uploadsPerClient = 2;
const budgetBytes = 8 * mebibyte;

/** What a client does that was sent away: stays away as long as it was told, and sends all again that was not taken. */
class Uploader {
  readonly spans: number;
  /** Milliseconds from the beginning to each acknowledgement. */
  readonly acknowledgedAt: number[] = [];
  sentAway = 0;
  /** How long it was told to stay away before its first acknowledgement, milliseconds: that is its time, not the server's. */
  awayMillis = 0;
  readonly #changesets: Buffer[];

  constructor(number: number) {
    const all = Array.from({ length: uploadsPerClient }, (_, upload) => {
      const prefix = Buffer.alloc(8);
      prefix.writeUInt32BE(number, 0);
      prefix.writeUInt32BE(upload, 4);
      return largeChangeset(100_000, prefix);
    });
    this.#changesets = all.map(({ changeset }) => changeset);
    this.spans = all.reduce((sum, { spans }) => sum + spans, 0);
  }

  /** Resolves when everything is acknowledged. */
  async run(url: string, token: string, begun: number): Promise<void> {
    while (this.acknowledgedAt.length < uploadsPerClient) {
      const client = await SyncClient.open(url, measuredAppId, token);
      const done = this.acknowledgedAt.length;
      for (const [index, changeset] of this.#changesets.slice(done).entries())
        client.upload(11 + index, changeset);
      const backoffSeconds = await this.#listen(client, done, begun);
      client.terminate();
      if (backoffSeconds === undefined) continue;
      this.sentAway += 1;
      if (this.acknowledgedAt.length === 0) this.awayMillis += backoffSeconds * 1000;
      await delay(backoffSeconds * 1000);
    }
  }

  /** Begins to upload, and is gone in the middle of it. */
  async vanish(url: string, token: string): Promise<void> {
    const client = await SyncClient.open(url, measuredAppId, token);
    for (const [index, changeset] of this.#changesets.entries()) client.upload(11 + index, changeset);
    await delay(500);
    client.terminate();
  }

  /** Until all is acknowledged; or how long to stay away, in seconds. */
  async #listen(client: SyncClient, done: number, begun: number): Promise<number | undefined> {
    for (;;) {
      const message = await client.next();
      if (message === undefined) return 0;
      if (message.startsWith('json_error')) {
        return Number(/"backoffIntervalSec":(\d+)/.exec(message)?.[1] ?? 0);
      }
      const acknowledged = Math.max(0, client.acknowledged - 10) + done;
      while (this.acknowledgedAt.length < acknowledged) this.acknowledgedAt.push(performance.now() - begun);
      if (acknowledged >= uploadsPerClient) return undefined;
    }
  }
}

describe('under pressure', function () {
  this.timeout(180_000);
  let directory: string;
  let server: MeasuredServer;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'realm-ingest-pressure-'));
    server = await startMeasuredServer({
      ...{ store: `sqlite:${join(directory, 'store.db')}`, commitMillis: 40, maxInflightBytes: budgetBytes },
    });
  });

  afterEach(async () => {
    await server.kill();
    await rm(directory, { recursive: true });
  });

  const figure = async (sample: string): Promise<number> =>
    valueOf(
      parseExposition(await (await fetch(server.metricsUrl, ownConnection)).text()),
      `realm_ingest_${sample}`,
    );

  it('of 200 clients on a slow store, what is in flight stays bounded, each makes progress, and nothing is lost or doubled', async () => {
    const uploaders = Array.from({ length: clientCount }, (_, number) => new Uploader(number));
    const tokens = await Promise.all(
      uploaders.map(async () => (await logIn(server.url, measuredAppId)).access_token),
    );
    const begun = performance.now();
    const watch = watchFigures();
    const staying = uploaders.slice(vanishing);
    await Promise.all([
      ...uploaders.slice(0, vanishing).map((uploader, n) => uploader.vanish(server.url, tokens[n]!)),
      ...staying.map((uploader, n) => uploader.run(server.url, tokens[vanishing + n]!, begun)),
    ]);
    const totalMillis = performance.now() - begun;
    const { maxInflightBytes, maxHeldBack } = await watch.end();

    // Each connection may send what Node reads at once before it is stopped; and one message may always finish.
    const inflightBound = budgetBytes + clientCount * 64 * kibibyte + 110_000;
    assert.ok(maxInflightBytes <= inflightBound, `${maxInflightBytes} bytes in flight`);
    assert.ok(
      maxInflightBytes > budgetBytes / 2,
      `${maxInflightBytes} bytes in flight: that was no pressure`,
    );
    assert.ok(maxHeldBack > clientCount / 4, `${maxHeldBack} held back: that was no pressure`);
    // Measured, for docs/operations.md, and held to nothing: beside what converting leaves to the garbage collector, the 40 MB
    // that all send together would not show.
    const { maxRssBytes } = await server.memory();
    console.log(`      resident memory, peak: ${Math.round(maxRssBytes / mebibyte)} MiB`); // eslint-disable-line no-console -- measured, in the report

    const firsts = staying
      .map(({ acknowledgedAt, awayMillis }) => acknowledgedAt[0]! - awayMillis)
      .sort((a, b) => a - b);
    const median = firsts[firsts.length / 2]!;
    assert.ok(
      firsts.at(-1)! < totalMillis && firsts.at(-1)! < 4 * median,
      `first acknowledgements after ${median} ms, the last after ${firsts.at(-1)} ms, of ${totalMillis} ms`,
    );

    await eventually(
      'those that vanished to be noticed',
      () => figure('connections'),
      (connections) => connections === 0,
      40_000,
    );
    assert.equal(await figure('inflight_bytes'), 0);
    await server.kill();
    const stored = await countByUploader();
    assert.deepEqual(
      staying.map((_, n) => stored.get(vanishing + n)),
      staying.map(({ spans }) => spans),
    );
  });

  /** How many spans of each uploader are stored. */
  async function countByUploader(): Promise<Map<number, number>> {
    const store = await openStore(`sqlite:${join(directory, 'store.db')}`, { mode: 'read' });
    const counts = new Map<number, number>();
    for await (const { _id: id } of store.documents('Span')) {
      const number = Buffer.from((id as ObjectId).id).readUInt32BE(0);
      counts.set(number, (counts.get(number) ?? 0) + 1);
    }
    await store.close();
    return counts;
  }

  /** Scrapes until it is told to end. */
  function watchFigures(): { end(): Promise<{ maxInflightBytes: number; maxHeldBack: number }> } {
    let maxInflightBytes = 0;
    let maxHeldBack = 0;
    const ended = new AbortController();
    const watching = (async () => {
      while (!ended.signal.aborted) {
        maxInflightBytes = Math.max(maxInflightBytes, await figure('inflight_bytes'));
        maxHeldBack = Math.max(maxHeldBack, await figure('held_back_clients'));
        await delay(100);
      }
    })();
    return {
      async end() {
        ended.abort();
        await watching;
        return { maxInflightBytes, maxHeldBack };
      },
    };
  }
});
