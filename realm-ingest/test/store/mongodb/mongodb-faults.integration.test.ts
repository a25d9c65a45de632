import assert from 'node:assert/strict';
import { Int32, ObjectId } from 'bson';
import { documentSize, maxDocumentBytes } from '../../../src/store/document-limits.js';
import { openStore } from '../../../src/store/open-store.js';
import type { DeadLetterReason, Store } from '../../../src/store/store.js';
import {
  addFault,
  clearFaults,
  createTestDatabase,
  describeMongodb,
  noFaults,
  takesFaults,
  type Fault,
  type TestDatabase,
} from '../../../../test/support/mongodb/test-database.js';
import { skip } from '../../../../test/support/skip.js';
import { badChangeset, collect, file, map, noLetters, upload } from '../../support/commit-request.js';
import { isStoreError } from '../../support/store-fixture.js';

describeMongodb('the MongoDB store, when', () => {
  let database: TestDatabase;
  let store: Store;
  beforeEach(async () => {
    database = await createTestDatabase();
    store = await openStore(database.uri, { mode: 'serve' });
  });
  afterEach(async () => {
    await store.close();
    await database.remove();
  });

  const documents = () => collect(store.documents('Span'));
  const reasons = async () => (await collect(store.deadLetters.list())).map(({ reason }) => reason);

  describe('another unique index refuses a document,', () => {
    it('rejects it, and stores the rest', async () => {
      await database.db.collection('Span').createIndexes([{ key: { spanId: 1 }, unique: true }]);
      await store.commit(upload([map({ _id: 1n, spanId: 'a' })]));
      const result = await store.commit(
        upload([map({ _id: 2n, spanId: 'b' }), map({ _id: 3n, spanId: 'a' }), map({ _id: 4n, spanId: 'c' })]),
      );
      const letter = { className: 'Span', reason: 'unique-index' };
      assert.deepEqual(result, { stored: 2, duplicates: 0, deadLetters: [letter] });
      assert.deepEqual(
        (await documents()).map(({ _id }) => _id),
        [1n, 2n, 4n],
      );
    });
  });

  describe('fields are named as BSON’s own,', () => {
    it('keeps them as they are', async () => {
      const document = map({
        _id: new ObjectId(),
        _bsontype: 'ObjectId',
        map: map({ _bsontype: 'Long', $ref: 'a', $id: new Int32(1), toBSON: 'x', ['__proto__']: map({}) }),
      });
      assert.deepEqual(await store.commit(upload([document])), { stored: 1, duplicates: 0, ...noLetters });
      assert.deepEqual(await store.commit(upload([document])), { stored: 0, duplicates: 1, ...noLetters });
      assert.deepEqual(await documents(), [document]);
    });
  });

  describe('a document has 16 MiB,', () => {
    it('stores it, and the rest', async () => {
      const large = map({ _id: 1n, text: '' });
      // The server of `npm run mongodb` leaves no room for the command around it.
      const around = (await takesFaults(database.db)) ? 1024 : 0;
      large.text = 'x'.repeat(maxDocumentBytes - documentSize(large) - around);
      const result = await store.commit(upload([map({ _id: 0n }), large, map({ _id: 2n })]));
      assert.equal(result.stored, 3);
    });
  });

  describe('an upload is larger than a message may be,', () => {
    it('stores it, in several', async function () {
      this.timeout(120_000);
      const text = 'x'.repeat(15 * 1024 * 1024);
      const large = [0n, 1n, 2n, 3n].map((_id) => map({ _id, text }));
      assert.equal((await store.commit(upload(large))).stored, 4);
      assert.equal((await store.commit(upload(large))).duplicates, 4);
    });
  });

  describe('the server, by its control command,', () => {
    before(async function () {
      const probe = await createTestDatabase();
      const isOurs = await takesFaults(probe.db);
      await probe.remove();
      if (!isOurs) skip(this, noFaults);
    });

    const one = () => upload([map({ _id: 1n })]);
    /** After a commit that failed: it acknowledged nothing, and comes again. */
    const assertGoesWellNextTime = async (): Promise<void> => {
      assert.equal(await store.findClientFile(file.ident), undefined);
      await clearFaults(database.db);
      const { stored, duplicates } = await store.commit(one());
      assert.equal(stored + duplicates, 1);
      assert.equal((await documents()).length, 1);
      assert.deepEqual(await reasons(), []);
      assert.ok(await store.findClientFile(file.ident));
    };
    const fail = (code: number, errmsg: string): Fault => ({
      command: 'insert',
      reply: { ok: 0, code, errmsg },
    });

    /** Of the command, or of a document alone: a server says either, by when it was interrupted. */
    const refusals: readonly (readonly [string, string, number, string])[] = [
      ['is no primary any more', 'store-unavailable', 10107, 'not primary'],
      ['is no primary yet', 'store-unavailable', 13435, 'not primary and secondaryOk=false'],
      ['steps down', 'store-unavailable', 189, 'primary stepped down while waiting for replication'],
      ['changes its state', 'store-unavailable', 11602, 'operation was interrupted'],
      ['shuts down', 'store-unavailable', 91, 'The server is in quiesce mode and will shut down'],
      ['was interrupted by its end', 'store-unavailable', 11600, 'interrupted at shutdown'],
      ['gives up in time', 'store-unavailable', 50, 'operation exceeded time limit'],
      ['waits too long for itself', 'store-unavailable', 262, 'exceeded time limit'],
      ['cannot reach its shard', 'store-unavailable', 133, 'Could not find host matching read preference'],
      ['is over its quota', 'store-full', 8000, 'you are over your space quota, using 513 MB of 512 MB'],
      ['has no disk space left', 'store-full', 14031, 'out of disk space'],
      ['takes no users’ writes', 'store-unavailable', 371, 'User writes blocked'],
      ['does not know us', 'store-unavailable', 13, 'not authorized on telemetry to execute command'],
      ['does not let us', 'store-unavailable', 8000, 'user is not allowed to do action [insert] on [t.Span]'],
      ['says something new', 'store-unavailable', 987654, 'what nobody knows'],
    ];
    const ofDocument = (code: number, errmsg: string): Fault => ({
      command: 'insert',
      reply: { ok: 1, n: 0, writeErrors: [{ index: 0, code, errmsg }] },
    });

    const passing: readonly (readonly [string, string, Fault])[] = [
      ...refusals.flatMap(([what, code, number, message]) => [
        [what, code, fail(number, message)] as const,
        [`${what}, it says of a document`, code, ofDocument(number, message)] as const,
      ]),
      ['is gone before the write', 'store-unavailable', { command: 'insert', disconnect: true }],
      [
        'is gone after the write',
        'store-unavailable',
        { command: 'insert', disconnect: true, execute: true },
      ],
      [
        'has written, and no majority has',
        'store-unavailable',
        {
          command: 'insert',
          execute: true,
          reply: { writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } },
        },
      ],
      ['loses the progress', 'store-unavailable', { command: 'update', disconnect: true }],
    ];
    for (const [what, code, fault] of passing) {
      it(`${what}: acknowledges nothing, and succeeds the next time`, async () => {
        await addFault(database.db, {
          collection: fault.command === 'insert' ? 'Span' : clientFiles,
          ...fault,
        });
        await assert.rejects(store.commit(one()), isStoreError(code, true));
        await assertGoesWellNextTime();
      });
    }

    it('does not answer in time: acknowledges nothing, and succeeds the next time', async () => {
      const impatient = await openStore(`${database.uri}${aSecondOfPatience(database.uri)}`, {
        mode: 'serve',
      });
      try {
        await addFault(database.db, {
          ...{ command: 'insert', collection: 'Span', execute: true, delayMillis: 2500 },
        });
        await assert.rejects(impatient.commit(one()), isStoreError('store-unavailable', true));
      } finally {
        await impatient.close();
      }
      await assertGoesWellNextTime();
    });

    it('has duplicates without a majority: acknowledges nothing', async () => {
      await store.commit(one());
      await addFault(database.db, {
        command: 'insert',
        execute: true,
        reply: { writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } },
      });
      await assert.rejects(store.commit(one()), isStoreError('store-unavailable', true));
      assert.equal((await store.commit(one())).duplicates, 1);
    });

    const lasting: readonly (readonly [number, DeadLetterReason, string?])[] = [
      [121, 'validator'],
      [10334, 'too-large'],
      [2, 'too-large', 'object to insert too large. size in bytes: 16777217, max size: 16777216'],
      [2, 'unstorable-value', "can't use an array for _id"],
      [15, 'too-deep', 'cannot insert document because it exceeds 180 levels of nesting'],
      [52, 'unstorable-value'],
      [171, 'unstorable-value'],
      [17262, 'unstorable-value', 'language override unsupported: klingon'],
    ];
    for (const [code, reason, errmsg = 'refused'] of lasting) {
      it(`refuses a document with ${code} (${errmsg}): rejects it as ${reason}`, async () => {
        const writeErrors = [{ index: 0, code, errmsg }];
        await addFault(database.db, {
          command: 'insert',
          collection: 'Span',
          reply: { ok: 1, n: 0, writeErrors },
        });
        const result = await store.commit(one());
        assert.deepEqual(result, { stored: 0, duplicates: 0, deadLetters: [{ className: 'Span', reason }] });
        assert.deepEqual(await reasons(), [reason]);
      });
    }

    it('accepts no command of that size: finds the document that is too large', async () => {
      const refusal = { command: 'insert', collection: 'Span', reply: fail(10334, 'too large').reply! };
      // All three; the first two; the first.
      for (let count = 0; count < 3; count += 1) await addFault(database.db, refusal);
      const result = await store.commit(upload([map({ _id: 1n }), map({ _id: 2n }), map({ _id: 3n })]));
      assert.equal(result.stored, 2);
      assert.deepEqual(await reasons(), ['too-large']);
      assert.deepEqual(
        (await documents()).map(({ _id }) => _id),
        [2n, 3n],
      );
    });

    it('has a dead letter’s changeset without a majority: acknowledges nothing', async () => {
      const bad = badChangeset(new Uint8Array(10));
      await addFault(database.db, {
        command: 'insert',
        collection: 'realm_ingest.changeset_pieces',
        reply: {
          ok: 1,
          n: 0,
          writeErrors: [{ index: 0, code: 11000, errmsg: 'E11000', keyPattern: { _id: 1 } }],
          writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' },
        },
      });
      await assert.rejects(store.commit(bad), isStoreError('store-unavailable', true));
      assert.equal(await store.findClientFile(file.ident), undefined);
      await store.commit(bad);
      assert.deepEqual(await reasons(), ['bad-changeset']);
    });

    it('loses the connection while a dead letter is written: completes it the next time', async () => {
      const bad = upload([map({ _id: 1n, v: 2n })], 'Span', new Uint8Array(2_000_000));
      await store.commit(one());
      const pieces = 'realm_ingest.changeset_pieces';
      await addFault(database.db, { command: 'insert', collection: pieces, disconnect: true, times: 2 });
      await assert.rejects(store.commit(bad), isStoreError('store-unavailable', true));
      await clearFaults(database.db);
      await store.commit(bad);
      const [letter] = await collect(store.deadLetters.list());
      assert.equal((await store.deadLetters.find(letter!.key))?.changeset.length, 2_000_000);
    });
  });
});

const clientFiles = 'realm_ingest.client_files';

/** Only for a silent server: a busy one takes longer for everything. */
function aSecondOfPatience(uri: string): string {
  return `${uri.includes('?') ? '&' : '?'}socketTimeoutMS=1000`;
}
