import assert from 'node:assert/strict';
import { Int32, ObjectId } from 'bson';
import { documentSize, maxDocumentBytes } from '../../../../src/ingest/store/document-limits.js';
import { openStore } from '../../../../src/ingest/store/open-store.js';
import type { DeadLetterReason, Store } from '../../../../src/ingest/store/store.js';
import {
  addFault,
  clearFaults,
  createTestDatabase,
  describeMongodb,
  takesFaults,
  type Fault,
  type TestDatabase,
} from '../../../mongodb/test-database.js';
import { collect, file, map, noLetters, upload } from '../commit-request.js';
import { isStoreError } from '../store-fixture.js';

describeMongodb('the MongoDB store, when', () => {
  let database: TestDatabase;
  let store: Store;
  beforeEach(async () => {
    database = await createTestDatabase();
    store = await openStore(`${database.uri}${optionsFor(database.uri)}`, { mode: 'serve' });
  });
  afterEach(async () => {
    await store.close();
    await database.remove();
  });

  const documents = () => collect(store.documents('Span'));
  const reasons = async () => (await collect(store.deadLetters.list())).map(({ reason }) => reason);

  describe('another unique index refuses a document,', () => {
    it('sets it aside, and stores its neighbours', async () => {
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
    it('stores it, and its neighbours', async () => {
      const large = map({ _id: 1n, text: '' });
      // The server of `npm run mongodb` leaves no room for the command around it.
      const around = (await takesFaults(database.db)) ? 1024 : 0;
      large.text = 'x'.repeat(maxDocumentBytes - documentSize(large) - around);
      const result = await store.commit(upload([map({ _id: 0n }), large, map({ _id: 2n })]));
      assert.equal(result.stored, 3);
    });
  });

  describe('the server, by its control command,', () => {
    before(async function () {
      const probe = await createTestDatabase();
      const isOurs = await takesFaults(probe.db);
      await probe.remove();
      if (!isOurs) this.skip();
    });

    const one = () => upload([map({ _id: 1n })]);
    const fail = (code: number, errmsg: string): Fault => ({
      command: 'insert',
      reply: { ok: 0, code, errmsg },
    });

    const passing: readonly (readonly [string, string, Fault])[] = [
      ['is no primary any more', 'store-unavailable', fail(10107, 'not primary')],
      ['steps down', 'store-unavailable', fail(189, 'primary stepped down')],
      ['is over its quota', 'store-full', fail(8000, 'you are over your space quota')],
      ['has no disk space left', 'store-full', fail(14031, 'out of disk space')],
      ['does not know us', 'store-unavailable', fail(13, 'not authorized')],
      ['gives up in time', 'store-unavailable', fail(50, 'operation exceeded time limit')],
      ['says something new', 'store-unavailable', fail(987654, 'what nobody knows')],
      [
        'says something new of one document',
        'store-unavailable',
        { command: 'insert', reply: { n: 0, writeErrors: [{ index: 0, code: 987654, errmsg: 'new' }] } },
      ],
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
      [
        'does not answer in time',
        'store-unavailable',
        { command: 'insert', execute: true, delayMillis: 1500 },
      ],
      ['loses the progress', 'store-unavailable', { command: 'update', disconnect: true }],
    ];
    for (const [what, code, fault] of passing) {
      it(`${what}: acknowledges nothing, and all is well the next time`, async () => {
        await addFault(database.db, {
          collection: fault.command === 'insert' ? 'Span' : clientFiles,
          ...fault,
        });
        await assert.rejects(store.commit(one()), isStoreError(code, true));
        assert.equal(await store.findClientFile(file.ident), undefined);
        await clearFaults(database.db);
        const { stored, duplicates } = await store.commit(one());
        assert.equal(stored + duplicates, 1);
        assert.equal((await documents()).length, 1);
        assert.deepEqual(await reasons(), []);
        assert.ok(await store.findClientFile(file.ident));
      });
    }

    it('has duplicates, and no majority that holds them: acknowledges nothing', async () => {
      await store.commit(one());
      await addFault(database.db, {
        command: 'insert',
        execute: true,
        reply: { writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } },
      });
      await assert.rejects(store.commit(one()), isStoreError('store-unavailable', true));
      assert.equal((await store.commit(one())).duplicates, 1);
    });

    const lasting: readonly (readonly [number, DeadLetterReason])[] = [
      [121, 'validator'],
      [10334, 'too-large'],
      [52, 'unstorable-value'],
      [171, 'unstorable-value'],
    ];
    for (const [code, reason] of lasting) {
      it(`refuses a document with ${code}: sets it aside as ${reason}`, async () => {
        const writeErrors = [{ index: 0, code, errmsg: 'refused' }];
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

    it('takes no command of that size: finds the document that is too large', async () => {
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

    it('loses the connection while a dead letter is written: it is whole the next time', async () => {
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

/** A second's patience. */
function optionsFor(uri: string): string {
  return `${uri.includes('?') ? '&' : '?'}socketTimeoutMS=1000&serverSelectionTimeoutMS=1000`;
}
