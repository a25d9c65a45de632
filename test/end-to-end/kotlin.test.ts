import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describeSqlite, describeStores } from './describe-stores.js';
import { eventually } from './eventually.js';
import { startIngestProcess, type IngestProcess } from './ingest-process.js';
import { startIngest, type Ingest } from './ingest.js';
import {
  copyRealm,
  kotlinMissing,
  kotlinVersions,
  startKotlinClient,
  type KotlinClient,
} from './kotlin-client.js';
import { byId, idOf, written } from './kotlin-documents.js';
import { useSite } from './site.js';
import { storedCount, storedDeadLetters, storedDocuments, type StoredDocument } from './stored.js';

const appId = 'kotlin';
const collection = 'Measurement';

interface ServerSettings {
  /** Whether the server has a process of its own; closing it is a SIGKILL then. */
  readonly ownProcess?: boolean;
}

for (const version of kotlinVersions) {
  // What differs between the protocols ends before the store.
  const describeSome = version.protocol === 14 ? describeStores : describeSqlite;
  const title = `Realm Kotlin ${version.realm} (protocol ${version.protocol}) and realm-ingest`;
  describeSome(title, function (kind) {
    this.timeout(600_000); // the first run of a version compiles its client

    before(function () {
      if (kotlinMissing !== undefined) {
        console.log(`      skipped: ${kotlinMissing}`); // eslint-disable-line no-console -- says why, in the report
        this.skip();
      }
    });

    const site = useSite(
      kind,
      (store, { ownProcess = false }: ServerSettings = {}): Promise<Ingest | IngestProcess> => {
        if (!ownProcess) return startIngest({ appId, store, classes: [collection] });
        return startIngestProcess({ appId, store, options: ['--classes', collection] });
      },
    );

    it('stores what the client wrote, nearly every property type', async () => {
      const client = start(60);
      assert.equal(await client.exit, 0, client.errors());
      assert.deepEqual(await stored(), written(client));
      assert.deepEqual(await storedDeadLetters(site.store), []);
    });

    it('delivers everything of a file whose client is killed and started again', async () => {
      const directory = join(site.scratch.path, 'device');
      const environment = { LAB_DIR: directory, LAB_PRINT: 'commit', LAB_PAUSE_MS: '20', LAB_BATCH: '5' };
      const first = start(5000, environment);
      await eventually(
        'some of it is stored',
        () => storedCount(site.store, collection),
        (n) => n >= 20,
        120_000,
      );
      site.network.cut(); // so that something is left for the second run
      const printed = first.lines.length;
      await eventually(
        'more is committed',
        () => first.lines.length,
        (lines) => lines >= printed + 20,
      );
      first.kill();
      await first.exit;

      site.network.connectTo(site.server.url);
      const second = start(5, { ...environment, LAB_SEED: '2' });
      assert.equal(await second.exit, 0, second.errors());
      assertDelivered(await stored(), written(first, second), 5);
    });

    it('delivers everything of a file whose server is killed again and again', async () => {
      await site.restart({ ownProcess: true });
      const client = start(400, { LAB_BATCH: '5', LAB_PAUSE_MS: '20', LAB_TIMEOUT: '60' });
      for (const goal of [50, 150, 250]) {
        await eventually(
          'uploads',
          () => storedCount(site.store, collection),
          (n) => n >= goal,
          120_000,
        );
        site.network.cut();
        await site.restart({ ownProcess: true });
      }
      assert.equal(await client.exit, 0, client.errors());
      assert.deepEqual(await stored(), written(client));
    });

    it('stores what was acknowledged to nobody once, though it is sent twice', async () => {
      const client = start(40, { LAB_BATCH: '4', LAB_PAUSE_MS: '40', LAB_TIMEOUT: '60' });
      await eventually(
        'uploads',
        () => storedCount(site.store, collection),
        (n) => n >= 4,
        120_000,
      );
      site.network.silenceServer(); // the server commits, and no acknowledgement comes through
      const silenced = await storedCount(site.store, collection);
      await eventually(
        'unseen commits',
        () => storedCount(site.store, collection),
        (n) => n > silenced,
      );
      site.network.connectTo(site.server.url);
      site.network.drop();
      assert.equal(await client.exit, 0, client.errors());
      assert.deepEqual(await stored(), written(client));
    });

    it('stores each object of a file and of its copy once', async () => {
      const directory = join(site.scratch.path, 'device');
      const first = start(20, { LAB_DIR: directory });
      assert.equal(await first.exit, 0, first.errors());
      const copy = join(site.scratch.path, 'copy');
      await copyRealm(directory, copy);
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
      assert.deepEqual(await storedDeadLetters(site.store), []);
    });

    function start(count: number, environment: Record<string, string> = {}): KotlinClient {
      return startKotlinClient({ version, baseUrl: site.network.url, appId, count, environment });
    }

    async function stored(): Promise<StoredDocument[]> {
      return byId(await storedDocuments(site.store, collection));
    }
  });
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
