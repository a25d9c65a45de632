import assert from 'node:assert/strict';
import { skip } from './skip.js';
import { describeSqlite, describeStores } from './describe-stores.js';
import { eventually } from './eventually.js';
import { startIngestProcess, type IngestProcess } from './ingest-process.js';
import { startIngest, type Ingest, type IngestSettings } from './ingest.js';
import {
  kotlinMissing,
  kotlinVersions,
  startKotlinClient,
  type KotlinClient,
  type KotlinVersion,
} from './kotlin-client.js';
import { byId, idOf, written } from './kotlin-documents.js';
import { useSite, type Site } from './site.js';
import { storedCount, storedDeadLetters, storedDocuments, type StoredDocument } from './stored.js';

const appId = 'kotlin';

/** The class that the clients write. */
const collection = 'Measurement';

/** The first run of a version compiles its client. */
const firstRunMillis = 300_000;

export interface KotlinServerSettings extends Partial<Omit<IngestSettings, 'appId' | 'store'>> {
  /** Whether the server runs in its own process, with the default options. Closing it is then a SIGKILL. */
  readonly ownProcess?: boolean;
}

/** A site, and clients of one version that use it. */
export interface KotlinLab {
  readonly site: Site<Ingest | IngestProcess, KotlinServerSettings>;
  /** Starts a client; `run.sh` of the client names what the environment may hold. */
  readonly start: (count: number, environment?: Readonly<Record<string, string>>) => KotlinClient;
  /** Every document, in the order of its `_id`. */
  readonly stored: () => Promise<StoredDocument[]>;
  /** Resolves once more than `count` documents are stored, with their number. */
  readonly storesMoreThan: (count: number) => Promise<number>;
  /** What clients wrote is stored, once; those of `ended` end well and without a fatal error, the others were killed. */
  readonly assertDelivered: (
    ended: readonly KotlinClient[],
    killed?: readonly KotlinClient[],
  ) => Promise<void>;
}

/** Settings of a suite. With fewer stores or protocol versions it takes less time. */
export interface KotlinSuiteScope {
  /** Default: each one, with protocol 14; what protocol 9 does otherwise ends before the store. */
  readonly stores?: 'SQLite';
  /** Default: each one. */
  readonly protocol?: KotlinVersion['protocol'];
}

/** One suite for each version of the client and each store. Skipped, with the reason, if no client can run. */
export function describeKotlin(
  title: string,
  { stores, protocol }: KotlinSuiteScope,
  suite: (lab: KotlinLab) => void,
): void {
  for (const version of kotlinVersions) {
    if (protocol !== undefined && protocol !== version.protocol) continue;
    const describeSome = stores === 'SQLite' || version.protocol !== 14 ? describeSqlite : describeStores;
    describeSome(`${title}: Realm Kotlin ${version.realm} (protocol ${version.protocol})`, function (kind) {
      this.timeout(2 * firstRunMillis);
      before(function () {
        if (kotlinMissing !== undefined) skip(this, kotlinMissing);
      });
      const site = useSite<Ingest | IngestProcess, KotlinServerSettings>(
        kind,
        (store, { ownProcess = false, ...settings } = {}) =>
          ownProcess
            ? startIngestProcess({ appId, store, options: ['--classes', collection] })
            : startIngest({ appId, store, classes: [collection], ...settings }),
      );
      suite(createLab(version, site));
    });
  }
}

function createLab(version: KotlinVersion, site: KotlinLab['site']): KotlinLab {
  const stored = async (): Promise<StoredDocument[]> => byId(await storedDocuments(site.store, collection));
  return {
    site,
    stored,
    start: (count, environment = {}) =>
      startKotlinClient({ version, baseUrl: site.network.url, appId, count, environment }),
    storesMoreThan: (count) =>
      eventually(
        `more than ${count} documents`,
        () => storedCount(site.store, collection),
        (seen) => seen > count,
        firstRunMillis,
      ),
    async assertDelivered(ended, killed = []) {
      for (const client of ended) {
        assert.equal(await client.exit, 0, client.errors());
        assert.doesNotMatch(client.errors(), /\(fatal\)|isFatal=true/);
      }
      const documents = await stored();
      const printed = written(...ended, ...killed);
      const ids = new Set(printed.map(idOf));
      assert.deepEqual(
        documents.filter((document) => ids.has(idOf(document))),
        printed,
      );
      // A kill may hide the print of one more transaction.
      const hidden = documents.length - printed.length;
      assert.ok(
        hidden <= killed.length * killedTransaction,
        `${documents.length} are stored, ${printed.length} printed`,
      );
      assert.deepEqual(await storedDeadLetters(site.store), []);
    },
  };
}

/** Objects in a transaction of a client that is to be killed. */
const killedTransaction = 5;

/** Environment of a client that writes until it is killed and prints each commit. */
export function untilKilled(directory: string): Record<string, string> {
  return {
    CLIENT_DIR: directory,
    CLIENT_PRINT: 'commit',
    CLIENT_BATCH: String(killedTransaction),
    CLIENT_PAUSE_MS: '20',
  };
}

/** Resolves in the next second: the Kotlin SDK makes the same ObjectIds in processes that begin to within one. */
export async function nextSecond(): Promise<void> {
  const currentSecond = (): number => Math.floor(Date.now() / 1000);
  const second = currentSecond();
  await eventually('the next second', () => currentSecond() > second);
}
