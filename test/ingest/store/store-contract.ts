/**
 * What every store must do, whatever it is made of. A store's own test calls {@link keepsStoreContract}.
 */
import assert from 'node:assert/strict';
import { Binary, Decimal128, Double, Int32, ObjectId } from 'bson';
import fc from 'fast-check';
import { equalDocuments } from '../../../src/ingest/store/document-equality.js';
import type { Document, DocumentValue } from '../../../src/ingest/store/document.js';
import { StoreError } from '../../../src/ingest/store/store-error.js';
import type { ApiKey, DeadLetter, Store } from '../../../src/ingest/store/store.js';
import { arbitraryDocument } from './arbitrary-document.js';
import {
  badChangeset,
  changeset,
  collect,
  file,
  map,
  placed,
  receivedAt,
  request,
  upload,
} from './commit-request.js';

/** One empty place for a store. */
export interface StorePlace {
  /** Opens the store there, as `serve` does; again after it was closed. */
  open(options?: { readonly maxDeadLetterBytes?: number }): Promise<Store>;
  remove(): Promise<void>;
}

export function keepsStoreContract(createPlace: () => Promise<StorePlace>): void {
  let place: StorePlace;
  let store: Store;
  beforeEach(async () => {
    place = await createPlace();
    store = await place.open();
  });
  afterEach(async () => {
    await store.close();
    await place.remove();
  });

  const reopen = async (options?: { readonly maxDeadLetterBytes?: number }) => {
    await store.close();
    store = await place.open(options);
  };
  const stored = (collection = 'Span') => collect(store.documents(collection));
  const letters = () => collect(store.deadLetters.list());
  const noLetters = { deadLetters: [] };
  const isStoreError = (code: string, retryable: boolean) => (error: unknown) => {
    assert.ok(error instanceof StoreError, String(error));
    assert.deepEqual({ code: error.code, retryable: error.retryable }, { code, retryable });
    return true;
  };

  describe('documents', () => {
    it('come back by BSON type and bits, after the store was opened again too', async () => {
      const documents = fc
        .sample(arbitraryDocument, { numRuns: 100, seed: 42 })
        .map((fields, number) => Object.assign(map({}), fields, { _id: BigInt(number) }) as Document);
      for (const collection of ['Span', 'Reading']) {
        const result = await store.commit(upload(documents, collection));
        assert.deepEqual(result, { stored: 100, duplicates: 0, ...noLetters });
      }
      await reopen();
      for (const collection of ['Span', 'Reading']) {
        const back = new Map((await stored(collection)).map((document) => [document._id, document]));
        assert.equal(back.size, 100);
        for (const document of documents) {
          const found = back.get(document._id);
          assert.ok(found && equalDocuments(found, document), 'a document of seed 42');
          assert.deepEqual(found.ingest, document.ingest);
        }
      }
    });

    it('are streamed in the order of their keys, each once, while others are committed', async () => {
      const ids = Array.from({ length: 1500 }, (_, number) => String(number).padStart(6, '0'));
      // The first page does not hold them all.
      const padding = 'x'.repeat(1000);
      await store.commit(upload(ids.map((_id) => map({ _id, padding }))));
      const seen: string[] = [];
      for await (const { _id } of store.documents('Span')) {
        seen.push(_id as string);
        if (seen.length === 700) await store.commit(upload([map({ _id: '000000-later' })]));
      }
      assert.deepEqual(seen, ids);
    });

    it('of collections whose names differ in case, or hold what languages use, stay apart', async () => {
      const names = [
        'Span',
        'span',
        'SPAN',
        `S"'; DROP TABLE documents; --`,
        'a.b',
        'documents',
        'é',
        '%',
        '_',
      ];
      for (const name of names) await store.commit(upload([map({ _id: 1n, name })], name));
      for (const name of names) assert.deepEqual(await stored(name), [map({ _id: 1n, name })]);
      assert.deepEqual([...(await store.collections())].sort(), [...names].sort());
    });

    it('are none where there is no such collection', async () => {
      assert.deepEqual(await store.collections(), []);
      assert.deepEqual(await stored('Nothing'), []);
    });
  });

  describe('a document that is there already', () => {
    const original = map({
      _id: new ObjectId('0102030405060708090a0b0c'),
      nan: new Double(Number.NaN),
      map: map({ a: 1n, b: [new Int32(1)] }),
      ingest: map({ receivedAt }),
    });

    it('is a duplicate when it is sent again', async () => {
      const commit = upload([original]);
      assert.deepEqual(await store.commit(commit), { stored: 1, duplicates: 0, ...noLetters });
      assert.deepEqual(await store.commit(commit), { stored: 0, duplicates: 1, ...noLetters });
      assert.deepEqual(await stored(), [original]);
    });

    it('is a duplicate whenever it was received, and the first one stays', async () => {
      await store.commit(upload([original]));
      const later = Object.assign(map({}), original, { ingest: map({ receivedAt: new Date(0) }) });
      assert.deepEqual(await store.commit(upload([later])), { stored: 0, duplicates: 1, ...noLetters });
      assert.deepEqual(await stored(), [original]);
    });

    it('is a dead letter where it differs, and the first one stays', async () => {
      const changed = Object.assign(map({}), original, { map: map({ a: 1n, b: [1n] }) });
      const bytes = new Uint8Array([1, 2, 3]);
      await store.commit(upload([original]));
      assert.deepEqual(await store.commit(upload([changed], 'Span', bytes)), {
        stored: 0,
        duplicates: 0,
        deadLetters: [{ className: 'Span', reason: 'id-conflict' }],
      });
      assert.deepEqual(await stored(), [original]);
      const [letter] = await letters();
      assert.equal(letter?.reason, 'id-conflict');
      assert.match(letter.detail, /0102030405060708090a0b0c/);
    });

    it('is compared within one upload, too: the first wins', async () => {
      const [first, second] = [map({ _id: 1n, v: 1n }), map({ _id: 1n, v: 2n })];
      const result = await store.commit(
        request([
          changeset(1, [placed(first, 'Span', 0), placed(first, 'Span', 1), placed(second, 'Span', 2)]),
          changeset(2, [placed(second, 'Span', 0)]),
        ]),
      );
      const conflict = { className: 'Span', reason: 'id-conflict' };
      assert.deepEqual(result, { stored: 1, duplicates: 1, deadLetters: [conflict, conflict] });
      assert.deepEqual(await stored(), [first]);
    });

    it('is another one in another collection', async () => {
      await store.commit(upload([map({ _id: 1n, v: 1n })], 'A'));
      const result = await store.commit(upload([map({ _id: 1n, v: 2n })], 'B'));
      assert.deepEqual(result, { stored: 1, duplicates: 0, ...noLetters });
    });
  });

  describe('an _id', () => {
    const different: DocumentValue[] = [
      ...[null, '', 'null', '1', true, 1n, 2n ** 63n - 1n, new Double(1.5), Decimal128.fromString('0.1')],
      ...[new ObjectId('0'.repeat(24)), '0'.repeat(24), new Binary(new Uint8Array(16), 4), new Date(0)],
      ...[new Binary(new Uint8Array(16)), map({ a: 1n }), map({ b: 1n }), '\0', 'a', 'A', map({})],
    ];

    it('of every type is one of its own, null and the empty string too', async () => {
      const documents = different.map((_id) => map({ _id }));
      const first = await store.commit(upload(documents));
      assert.deepEqual(first, { stored: different.length, duplicates: 0, ...noLetters });
      const second = await store.commit(upload(documents));
      assert.deepEqual(second, { stored: 0, duplicates: different.length, ...noLetters });
    });

    it('is the same number whatever its type, as in MongoDB', async () => {
      await store.commit(upload([map({ _id: 1n })]));
      for (const _id of [new Int32(1), new Double(1), Decimal128.fromString('1.0')]) {
        const { deadLetters } = await store.commit(upload([map({ _id })]));
        // Its document differs in the type of `_id`. The changeset's bytes are those of the other types' uploads.
        assert.ok(deadLetters.length <= 1);
      }
      assert.deepEqual(await stored(), [map({ _id: 1n })]);
      assert.equal((await letters()).length, 1);
    });
  });

  describe('a client file', () => {
    it('is unknown before its first commit, and known with all its 64 bits after', async () => {
      assert.equal(await store.findClientFile(file.ident), undefined);
      await store.commit(request([], file));
      const small = { ident: 1n, salt: -(2n ** 63n) + 1n, userId: 'é', clientVersion: 0n, serverVersion: 0n };
      await store.commit(request([], small));
      await reopen();
      assert.deepEqual(await store.findClientFile(file.ident), file);
      assert.deepEqual(await store.findClientFile(1n), small);
    });

    it('never falls behind, and keeps the user and the salt that it began with', async () => {
      await store.commit(request([], { ...file, clientVersion: 2n ** 53n + 1n, serverVersion: 1n }));
      await store.commit(
        request([], { ...file, clientVersion: 2n ** 53n, serverVersion: 2n, salt: 5n, userId: 'other' }),
      );
      assert.deepEqual(await store.findClientFile(file.ident), {
        ...file,
        clientVersion: 2n ** 53n + 1n,
        serverVersion: 2n,
      });
    });
  });

  describe('dead letters', () => {
    it('keep what was rejected, why, and whose it was', async () => {
      const bytes = new Uint8Array([0x3f, 0x00, 0x01]);
      const rejections = [
        { place: 3, className: 'Span', reason: 'too-deep', detail: 'nested too deep' },
        { reason: 'bad-changeset', detail: 'at offset 2' },
      ] as const;
      const commit = request([changeset(9, [placed(map({ _id: 1n }))], rejections, bytes)]);
      assert.deepEqual(await store.commit(commit), {
        stored: 1,
        duplicates: 0,
        deadLetters: [{ reason: 'too-deep', className: 'Span' }, { reason: 'bad-changeset' }],
      });
      await reopen();
      const common = {
        appId: 'app',
        userId: file.userId,
        fileIdent: file.ident,
        clientVersion: 9n,
        receivedAt,
        sizeBytes: 3,
      };
      const [first, second] = await letters();
      assert.match(first!.key, /^[0-9a-f]{64}$/);
      assert.deepEqual(first, { key: first!.key, ...rejections[0], ...common });
      assert.deepEqual(second, { key: second!.key, ...rejections[1], ...common });
      const found = await store.deadLetters.find(first.key);
      assert.deepEqual(found, { ...first, changeset: bytes });
    });

    it('are the same for the same thing, whoever sends it again', async () => {
      await store.commit(badChangeset(new Uint8Array([1])));
      const again = { ...badChangeset(new Uint8Array([1])), file: { ...file, ident: 5n } };
      assert.deepEqual(await store.commit(again), { stored: 0, duplicates: 0, ...noLetters });
      assert.equal((await letters()).length, 1);
      assert.ok(await store.findClientFile(5n));
    });

    it('are listed oldest first, found by a beginning of the key that is theirs alone', async () => {
      for (let number = 0; number < 40; number += 1) {
        await store.commit(badChangeset(new Uint8Array([number])));
      }
      const keys = (await letters()).map(({ key }) => key);
      assert.equal(new Set(keys).size, 40);
      const lastOne = await store.deadLetters.find(keys[39]!);
      assert.deepEqual(lastOne?.changeset, new Uint8Array([39]));
      for (const key of keys) {
        // Forty keys share sixteen first digits.
        const shared = keys.filter((other) => other.startsWith(key.slice(0, 1))).length > 1;
        const byDigit = await store.deadLetters.find(key.slice(0, 1));
        assert.equal(byDigit?.key, shared ? undefined : key);
        assert.equal((await store.deadLetters.find(key.slice(0, 12)))?.key, key);
      }
      assert.ok(keys.some((key) => keys.some((other) => other !== key && other.startsWith(key.slice(0, 1)))));
      for (const none of ['', 'f'.repeat(64), 'F', '%', '_', "' OR 1=1 --", 'g', keys[0]! + '0']) {
        assert.equal(await store.deadLetters.find(none), undefined, none);
      }
    });

    it('keep a large changeset whole, and copy it: the caller’s bytes stay the caller’s', async () => {
      const message = new Uint8Array(3 * 1024 * 1024 + 100);
      for (let offset = 0; offset < message.length; offset += 997) message[offset] = offset % 251;
      const bytes = message.subarray(50, -50);
      await store.commit(badChangeset(bytes));
      const expected = bytes.slice();
      assert.equal(expected.length, 3 * 1024 * 1024);
      message.fill(0xee);
      const [letter] = await letters();
      assert.equal(letter!.sizeBytes, expected.length);
      const found = await store.deadLetters.find(letter!.key);
      assert.ok(Buffer.compare(found!.changeset, expected) === 0);
    });

    it('take hostile class names and details', async () => {
      const className = '\0"; DROP TABLE documents --\ud800';
      const detail = `${'x'.repeat(100_000)}\0`;
      await store.commit(
        request([changeset(1, [], [{ place: 0, className, reason: 'class-not-admitted', detail }])]),
      );
      const [letter] = await letters();
      assert.match(letter!.className!, /DROP TABLE/);
      assert.match(letter!.detail, /^x{400,5000}/);
      assert.ok(letter!.detail.length < 5000);
    });

    it('are deleted once', async () => {
      await store.commit(badChangeset(new Uint8Array([1])));
      const [letter] = await letters();
      assert.equal(await store.deadLetters.delete(letter!.key), true);
      assert.equal(await store.deadLetters.delete(letter!.key), false);
      assert.deepEqual(await letters(), []);
      assert.equal(await store.deadLetters.find(letter!.key), undefined);
    });

    it('of one changeset share its bytes until the last one is deleted', async () => {
      const rejections = [0, 1].map((at) => ({ place: at, reason: 'too-large', detail: '' }) as const);
      await store.commit(request([changeset(1, [], rejections)]));
      const [first, second] = await letters();
      await store.deadLetters.delete(first!.key);
      assert.equal((await store.deadLetters.find(second!.key))?.changeset.length, 2);
    });

    describe('when there is no room for more', () => {
      const large = (number: number) => new Uint8Array(100_000).fill(number);
      beforeEach(async () => {
        await reopen({ maxDeadLetterBytes: 250_000 });
        await store.commit(badChangeset(large(1)));
        await store.commit(badChangeset(large(2)));
      });
      const tooMuch = request([
        changeset(5, [placed(map({ _id: 'beside' }))], [{ reason: 'bad-changeset', detail: '' }], large(3)),
      ]);

      it('hold back the upload that would add one, whole', async () => {
        const before = await store.findClientFile(file.ident);
        const ahead = { ...tooMuch, file: { ...file, clientVersion: 1000n } };
        await assert.rejects(store.commit(ahead), isStoreError('store-dead-letters-full', true));
        assert.deepEqual(await stored(), []);
        assert.equal((await letters()).length, 2);
        assert.deepEqual(await store.findClientFile(file.ident), before);
      });

      it('let all others go on, at the same time too', async () => {
        const [full, fine, known] = await Promise.allSettled([
          store.commit(tooMuch),
          store.commit(upload([map({ _id: 1n })])),
          store.commit(badChangeset(large(1))),
        ]);
        assert.equal(full.status, 'rejected');
        assert.deepEqual(fine, { status: 'fulfilled', value: { stored: 1, duplicates: 0, ...noLetters } });
        assert.deepEqual(known, { status: 'fulfilled', value: { stored: 0, duplicates: 0, ...noLetters } });
      });

      it('take the next one once one was deleted', async () => {
        const [letter] = await letters();
        await store.deadLetters.delete(letter!.key);
        const { stored: count, deadLetters } = await store.commit(tooMuch);
        assert.deepEqual({ count, letters: deadLetters.length }, { count: 1, letters: 1 });
      });
    });
  });

  describe('a dead letter that is retried', () => {
    const bytes = new Uint8Array([7, 7]);
    const setAside = async (): Promise<DeadLetter> => {
      await store.commit(badChangeset(bytes));
      const [letter] = await letters();
      return (await store.deadLetters.find(letter!.key))!;
    };

    it('is gone when its documents are stored', async () => {
      const letter = await setAside();
      const progress = await store.findClientFile(file.ident);
      const documents = [placed(map({ _id: 1n })), placed(map({ _id: 2n }), 'Span', 1)];
      const result = await store.retryDeadLetter(letter, changeset(9, documents, [], bytes));
      assert.deepEqual(result, { stored: 2, duplicates: 0, ...noLetters });
      assert.deepEqual(await letters(), []);
      assert.deepEqual(await store.findClientFile(file.ident), progress);
    });

    it('stays when the same stands in its way, and says what', async () => {
      const letter = await setAside();
      const [summary] = await letters();
      const still = [{ reason: 'bad-changeset', detail: 'at offset 0' }] as const;
      const result = await store.retryDeadLetter(letter, changeset(9, [], still, bytes));
      assert.deepEqual(result.deadLetters, [{ reason: 'bad-changeset' }]);
      assert.deepEqual(await letters(), [summary]);
    });

    it('gives way to letters of what still cannot be stored', async () => {
      await store.commit(upload([map({ _id: 1n, v: 1n })]));
      const letter = await setAside();
      const documents = [placed(map({ _id: 1n, v: 2n })), placed(map({ _id: 2n }), 'Span', 1)];
      const result = await store.retryDeadLetter(letter, changeset(9, documents, [], bytes));
      assert.equal(result.stored, 1);
      assert.deepEqual(result.deadLetters, [{ className: 'Span', reason: 'id-conflict' }]);
      const [left, ...others] = await letters();
      assert.deepEqual(others, []);
      assert.equal(left?.reason, 'id-conflict');
      assert.deepEqual((await store.deadLetters.find(left.key))?.changeset, bytes);
    });

    it('may be retried twice at once', async () => {
      const letter = await setAside();
      const again = changeset(9, [placed(map({ _id: 1n }))], [], bytes);
      const results = await Promise.all([
        store.retryDeadLetter(letter, again),
        store.retryDeadLetter(letter, again),
      ]);
      assert.deepEqual(results.map((result) => [result.stored, result.duplicates]).sort(), [
        [0, 1],
        [1, 0],
      ]);
      assert.deepEqual(await letters(), []);
    });
  });

  describe('uploads at the same time', () => {
    it('get their own results each', async () => {
      const commits = Array.from({ length: 60 }, (_, number) =>
        store.commit(
          request([changeset(number, [placed(map({ _id: BigInt(number % 50) }))])], {
            ...file,
            ident: BigInt(number),
          }),
        ),
      );
      const results = await Promise.all(commits);
      assert.equal(results.filter((result) => result.stored === 1).length, 50);
      assert.equal(results.filter((result) => result.duplicates === 1).length, 10);
      assert.equal((await stored()).length, 50);
      assert.equal((await store.findClientFile(59n))?.ident, 59n);
    });
  });

  describe('API keys', () => {
    const key = (number: number): ApiKey => ({
      id: String(number).padStart(24, '0'),
      hash: new Uint8Array(32).fill(number),
      userName: `device ${number}`,
      createdAt: new Date(1000 * number),
    });

    it('are listed oldest first, and found by hash and by id', async () => {
      for (const number of [2, 1]) await store.apiKeys.create(key(number));
      await reopen();
      assert.deepEqual(await store.apiKeys.list(), [key(1), key(2)]);
      assert.deepEqual(await store.apiKeys.findByHash(key(2).hash), key(2));
      assert.deepEqual(await store.apiKeys.findById(key(1).id), key(1));
      assert.equal(await store.apiKeys.findByHash(key(3).hash), undefined);
      assert.equal(await store.apiKeys.findById(key(3).id), undefined);
    });

    it('are revoked once, and stay in the list', async () => {
      await store.apiKeys.create(key(1));
      const revokedAt = new Date(5);
      assert.equal(await store.apiKeys.revoke(key(1).id, revokedAt), true);
      assert.equal(await store.apiKeys.revoke(key(1).id, new Date(6)), false);
      assert.equal(await store.apiKeys.revoke(key(2).id, revokedAt), false);
      assert.deepEqual(await store.apiKeys.list(), [{ ...key(1), revokedAt }]);
    });
  });

  describe('revocations', () => {
    it('hold for their subjects only, and may be repeated', async () => {
      assert.equal(await store.revocations.has(['a']), false);
      await store.revocations.add('a', new Date());
      await store.revocations.add('a', new Date());
      await reopen();
      assert.equal(await store.revocations.has(['b', 'a']), true);
      assert.equal(await store.revocations.has(['A', 'b']), false);
      assert.equal(await store.revocations.has([]), false);
    });
  });

  describe('the secret', () => {
    it('is the first one that was offered', async () => {
      assert.deepEqual(await store.loadSecret(), {});
      const secret = new Uint8Array(32).fill(1);
      const [one, other] = await Promise.all([
        store.keepSecret(secret),
        store.keepSecret(new Uint8Array(32).fill(2)),
      ]);
      assert.deepEqual(one, other);
      await reopen();
      assert.deepEqual(await store.loadSecret(), { secret: one });
      assert.equal(secret[0], 1);
    });

    it('leaves the fingerprint of the last one', async () => {
      await store.keepFingerprint(new Uint8Array([1]));
      await store.keepFingerprint(new Uint8Array([2]));
      assert.deepEqual(await store.loadSecret(), { fingerprint: new Uint8Array([2]) });
    });
  });

  describe('an open store', () => {
    it('answers a ping', async () => {
      await store.ping();
    });

    it('finishes what was asked before it was closed, and takes nothing after', async () => {
      const commit = store.commit(upload([map({ _id: 1n })]));
      const ping = store.ping();
      await new Promise((resolve) => setImmediate(resolve));
      await Promise.all([store.close(), store.close()]);
      assert.equal((await commit).stored, 1);
      await ping;
      await assert.rejects(store.ping(), isStoreError('store-closed', false));
      await assert.rejects(store.commit(upload([])), isStoreError('store-closed', false));
      store = await place.open();
      assert.equal((await stored()).length, 1);
    });
  });
}
