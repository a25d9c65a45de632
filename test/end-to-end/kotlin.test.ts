import assert from 'node:assert/strict';
import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EJSON } from 'bson';
import { eventually } from './eventually.js';
import { startIngestProcess, type IngestProcess } from './ingest-process.js';
import { startIngest, type Ingest } from './ingest.js';
import { kotlinMissing, kotlinVersions, startKotlinClient, type KotlinClient } from './kotlin-client.js';
import { Network } from './network.js';
import { storedCount, storedDeadLetters, storedDocuments, type StoredDocument } from './stored.js';
import { createScratch, type Scratch } from './scratch.js';

const appId = 'kotlin';
const collection = 'Measurement';

for (const version of kotlinVersions) {
  describe(`Realm Kotlin ${version.realm} (protocol ${version.protocol}) and realm-ingest`, function () {
    this.timeout(600_000); // the first run of a version compiles its client
    let scratch: Scratch;
    let network: Network;
    let server: Ingest | IngestProcess;

    before(function () {
      if (kotlinMissing !== undefined) {
        console.log(`      skipped: ${kotlinMissing}`); // eslint-disable-line no-console -- says why, in the report
        this.skip();
      }
    });

    beforeEach(async () => {
      scratch = await createScratch();
      network = await Network.create();
      server = await startIngest({ appId, store: scratch.store, classes: [collection] });
      network.connectTo(server.url);
    });

    afterEach(async () => {
      await server.close();
      await network.close();
      await scratch.remove();
    });

    it('stores what the client wrote, nearly every property type', async () => {
      const client = start(60);
      assert.equal(await client.exit, 0, client.errors());
      assert.deepEqual(await stored(), written(client));
      assert.deepEqual(await storedDeadLetters(scratch.store), []);
    });

    it('delivers everything of a file whose client is killed and started again', async () => {
      const directory = join(scratch.path, 'device');
      const environment = { LAB_DIR: directory, LAB_PRINT: 'commit', LAB_PAUSE_MS: '20', LAB_BATCH: '5' };
      const first = start(5000, environment);
      await eventually(
        'some of it is stored',
        () => storedCount(scratch.store, collection),
        (n) => n >= 20,
        120_000,
      );
      network.cut(); // so that something is left for the second run
      const printed = first.lines.length;
      await eventually(
        'more is committed',
        () => first.lines.length,
        (lines) => lines >= printed + 20,
      );
      first.kill();
      await first.exit;

      network.connectTo(server.url);
      const second = start(5, { ...environment, LAB_SEED: '2' });
      assert.equal(await second.exit, 0, second.errors());
      assertDelivered(await stored(), written(first, second), 5);
    });

    it('delivers everything of a file whose server is killed again and again', async () => {
      await server.close();
      let killed = await startProcess();
      const client = start(400, { LAB_BATCH: '5', LAB_PAUSE_MS: '20', LAB_TIMEOUT: '60' });
      for (const goal of [50, 150, 250]) {
        await eventually(
          'uploads',
          () => storedCount(scratch.store, collection),
          (n) => n >= goal,
          120_000,
        );
        network.cut();
        await killed.kill();
        killed = await startProcess();
      }
      assert.equal(await client.exit, 0, client.errors());
      assert.deepEqual(await stored(), written(client));
    });

    it('stores what was acknowledged to nobody once, though it is sent twice', async () => {
      const client = start(40, { LAB_BATCH: '4', LAB_PAUSE_MS: '40', LAB_TIMEOUT: '60' });
      await eventually(
        'uploads',
        () => storedCount(scratch.store, collection),
        (n) => n >= 4,
        120_000,
      );
      network.silenceServer(); // the server commits, and no acknowledgement comes through
      const silenced = await storedCount(scratch.store, collection);
      await eventually(
        'unseen commits',
        () => storedCount(scratch.store, collection),
        (n) => n > silenced,
      );
      network.connectTo(server.url);
      network.drop();
      assert.equal(await client.exit, 0, client.errors());
      assert.deepEqual(await stored(), written(client));
    });

    it('stores each object of a file and of its copy once', async () => {
      const directory = join(scratch.path, 'device');
      const first = start(20, { LAB_DIR: directory });
      assert.equal(await first.exit, 0, first.errors());
      const copy = join(scratch.path, 'copy');
      await cp(directory, copy, { recursive: true, filter: isPlainFile });
      const slowly = { LAB_PRINT: 'commit', LAB_BATCH: '2', LAB_PAUSE_MS: '300' };
      const again = start(20, { LAB_DIR: directory, LAB_SEED: '2', ...slowly });
      await eventually('a commit', () => again.lines.length > 0);
      // The Kotlin SDK makes the same ObjectIds in processes that begin to within one second.
      const second = currentSecond();
      await eventually('the next second', () => currentSecond() > second);
      const fromCopy = start(20, { LAB_DIR: copy, LAB_SEED: '3' });
      assert.equal(await again.exit, 0, again.errors());
      assert.equal(await fromCopy.exit, 0, fromCopy.errors());
      assert.deepEqual((await stored()).map(idOf), written(first, again, fromCopy).map(idOf));
      assert.deepEqual(await stored(), written(first, again, fromCopy));
      assert.deepEqual(await storedDeadLetters(scratch.store), []);
    });

    function start(count: number, environment: Record<string, string> = {}): KotlinClient {
      return startKotlinClient({ version, baseUrl: network.url, appId, count, environment });
    }

    async function startProcess(): Promise<IngestProcess> {
      const started = await startIngestProcess({
        appId,
        store: scratch.store,
        options: ['--classes', collection],
      });
      network.connectTo(started.url);
      server = started;
      return started;
    }

    async function stored(): Promise<StoredDocument[]> {
      return byId(await storedDocuments(scratch.store, collection));
    }
  });
}

/**
 * What clients say that they wrote, in the form in which it is stored: an empty list is not sent, hence absent; and
 * Java writes doubles in other digits.
 */
function written(...clients: KotlinClient[]): StoredDocument[] {
  return byId(
    clients
      .flatMap((client) => client.lines)
      .map((line) => EJSON.stringify(EJSON.parse(line, { relaxed: false }), { relaxed: false }))
      .map((line) => withoutEmptyLists(JSON.parse(line)) as StoredDocument),
  );
}

/** The lists and sets of classes; an empty list inside a `mixed` is sent, and stored. */
const listProperties = new Set(['tags', 's_codes', 'steps', 'counts']);

function withoutEmptyLists(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmptyLists);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(
    ([name, part]) => !(listProperties.has(name) && Array.isArray(part) && part.length === 0),
  );
  return Object.fromEntries(kept.map(([name, part]) => [name, withoutEmptyLists(part)]));
}

/** Everything that was printed is there; a kill may hide the print of one more transaction. */
function assertDelivered(stored: StoredDocument[], printed: StoredDocument[], transaction: number): void {
  const ids = new Set(printed.map(idOf));
  assert.deepEqual(
    stored.filter((document) => ids.has(idOf(document))),
    printed,
  );
  assert.ok(
    stored.length - printed.length <= transaction,
    `${stored.length} stored, ${printed.length} printed`,
  );
}

function currentSecond(): number {
  return Math.floor(Date.now() / 1000);
}

function byId(documents: StoredDocument[]): StoredDocument[] {
  return documents.sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
}

function idOf(document: StoredDocument): string {
  return JSON.stringify(document._id);
}

/** Named pipes and lock files of the engine do not belong to a copy. */
async function isPlainFile(source: string): Promise<boolean> {
  if (/\.(lock|note)$/u.test(source)) return false;
  return !source.endsWith('.management') || (await readdir(source)).length === 0;
}
