import assert from 'node:assert/strict';
import { MongoClient, MongoServerError, type Db, type Document } from 'mongodb';
import { openStore } from '../../../src/store/open-store.js';
import type { Store } from '../../../src/store/store.js';
import { StoreError } from '../../../src/store/store-error.js';
import { eventually } from '../../../../test/support/eventually.js';
import {
  createTestDatabase,
  describeMongodb,
  takesFaults,
  type TestDatabase,
} from '../../../../test/support/mongodb/test-database.js';
import { skip } from '../../../../test/support/skip.js';
import { collect, file, map, noLetters, placed, request, upload } from '../../support/commit-request.js';

/** A server deletes expired documents once a minute. */
const expiryMillis = 150_000;

/** An election takes a little more than ten seconds. */
const electionMillis = 60_000;

describeMongodb('the MongoDB store, on MongoDB’s own server,', () => {
  let database: TestDatabase;
  let store: Store | undefined;

  beforeEach(async function () {
    database = await createTestDatabase();
    if (await takesFaults(database.db)) skip(this, 'that of `npm run mongodb` does none of this');
  });

  afterEach(async () => {
    await store?.close();
    store = undefined;
    await database.remove();
  });

  it('rejects what the user’s validator refuses, and stores the rest', async function () {
    store = await openStore(database.uri, { mode: 'serve' });
    await database.db.command({ collMod: 'Span', validator: { name: { $type: 'string' } } });
    const code = await validatorCode(database.db);
    if (code !== 121) skip(this, `this server's validators refuse with ${String(code)}`);
    const result = await store.commit(
      upload([
        map({ _id: 1n, name: 'a' }),
        map({ _id: 2n, name: 2n }),
        map({ _id: 3n }),
        map({ _id: 4n, name: 'd' }),
      ]),
    );
    const letter = { className: 'Span', reason: 'validator' };
    assert.deepEqual(result, { stored: 2, duplicates: 0, deadLetters: [letter, letter] });
  });

  it('lets MongoDB delete documents after the retention', async function () {
    this.timeout(2 * expiryMillis);
    store = await openStore(database.uri, { mode: 'serve', retentionSeconds: 1 });
    const ingest = map({ receivedAt: new Date(Date.now() - 60_000) });
    await store.commit(upload([map({ _id: 1n, ingest }), map({ _id: 2n })]));
    const spans = database.db.collection('Span');
    await eventually(
      'an expiry',
      () => spans.countDocuments(),
      (count) => count === 1,
      expiryMillis,
    );
  });

  it('continues through an election, and stores everything once', async function () {
    this.timeout(3 * electionMillis);
    const admin = await MongoClient.connect(database.uri);
    try {
      const { setName } = await admin.db('admin').command({ hello: 1 });
      if (setName === undefined) skip(this, 'this server is in no replica set');
      store = await openStore(database.uri, { mode: 'serve' });
      const documents = Array.from({ length: 50 }, (_, n) => map({ _id: BigInt(n) }));
      const commits: Promise<void>[] = [];
      for (const [n, document] of documents.entries()) {
        if (n === 10) {
          const stepDown: Document = { replSetStepDown: 5, secondaryCatchUpPeriodSecs: 1, force: true };
          const outcome: unknown = await admin
            .db('admin')
            .command(stepDown)
            .catch((error: unknown) => error);
          if (isForbidden(outcome)) skip(this, 'the user may not make the primary step down');
        }
        commits.push(commitAgainAndAgain(store, document));
      }
      await Promise.all(commits);
      assert.deepEqual(
        (await collect(store.documents('Span'))).map(({ _id }) => _id).sort(),
        documents.map(({ _id }) => _id).sort(),
      );
      assert.deepEqual(await collect(store.deadLetters.list()), []);
      assert.deepEqual(await store.commit(upload(documents)), { stored: 0, duplicates: 50, ...noLetters });
      assert.equal((await store.findClientFile(file.ident))?.clientVersion, file.clientVersion);
    } finally {
      await admin.close();
    }
  });
});

/** The server's error for a document that a validator refuses; MongoDB's is 121, DocumentValidationFailure. */
async function validatorCode(db: Db): Promise<unknown> {
  await db.createCollection('validated', { validator: { name: { $type: 'string' } } });
  const outcome: unknown = await db
    .collection('validated')
    .insertOne({ name: 1 })
    .catch((error: unknown) => error);
  return outcome instanceof MongoServerError ? outcome.code : undefined;
}

/** 8000 is Atlas's code. */
function isForbidden(outcome: unknown): boolean {
  return outcome instanceof MongoServerError && (outcome.code === 13 || outcome.code === 8000);
}

/** As sessions do while they hold back their client. */
async function commitAgainAndAgain(store: Store, document: Document): Promise<void> {
  const commit = request([
    { clientVersion: 1n, bytes: new Uint8Array(1), documents: [placed(map(document))], rejections: [] },
  ]);
  await eventually(
    'a commit',
    () =>
      store.commit(commit).then(
        () => true,
        (error: unknown) => {
          if (error instanceof StoreError && error.retryable) return false;
          throw error;
        },
      ),
    Boolean,
    electionMillis,
  );
}
