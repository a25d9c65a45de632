/**
 * The contract of every store. Each store's test calls {@link keepsStoreContract}.
 */
import assert from 'node:assert/strict';
import { Binary, Decimal128, Double, Int32, ObjectId } from 'bson';
import fc from 'fast-check';
import { equalDocuments } from '../../src/store/document-equality.js';
import type { Document, DocumentValue } from '../../src/store/document.js';
import { keepsAccountContract } from './account-contract.js';
import { arbitraryDocument } from '../support/arbitrary-document.js';
import {
  changeset,
  file,
  map,
  noLetters,
  placed,
  receivedAt,
  request,
  upload,
} from '../support/commit-request.js';
import { keepsDeadLetterContract } from './dead-letter-contract.js';
import { isStoreError, useStore, type CreateStorePlace } from '../support/store-fixture.js';

export function keepsStoreContract(createPlace: CreateStorePlace): void {
  describe('what is stored', () => {
    const fixture = useStore(createPlace);

    describe('documents', () => {
      it('are restored by BSON type and bits, also after the store was reopened', async () => {
        const documents = fc
          .sample(
            arbitraryDocument.filter((fields) => fixture.holds(fields)),
            { numRuns: 100, seed: 42 },
          )
          .map((fields, number) => Object.assign(map({}), fields, { _id: BigInt(number) }) as Document);
        for (const collection of ['Span', 'Reading']) {
          const result = await fixture.store.commit(upload(documents, collection));
          assert.deepEqual(result, { stored: 100, duplicates: 0, ...noLetters });
        }
        await fixture.reopen();
        for (const collection of ['Span', 'Reading']) {
          const back = new Map(
            (await fixture.documents(collection)).map((document) => [document._id, document]),
          );
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
        // More than one page.
        const padding = 'x'.repeat(1000);
        await fixture.store.commit(upload(ids.map((_id) => map({ _id, padding }))));
        const seen: string[] = [];
        for await (const { _id } of fixture.store.documents('Span')) {
          seen.push(_id as string);
          if (seen.length === 700) await fixture.store.commit(upload([map({ _id: '000000-later' })]));
        }
        assert.deepEqual(seen, ids);
      });

      it('stay apart in collections whose names differ in case or contain special characters', async () => {
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
        for (const name of names) await fixture.store.commit(upload([map({ _id: 1n, name })], name));
        for (const name of names) assert.deepEqual(await fixture.documents(name), [map({ _id: 1n, name })]);
        assert.deepEqual([...(await fixture.store.collections())].sort(), [...names].sort());
      });

      it('are none if the collection does not exist', async () => {
        assert.deepEqual(await fixture.store.collections(), []);
        assert.deepEqual(await fixture.documents('Nothing'), []);
      });
    });

    describe('a document whose _id is stored', () => {
      const original = map({
        _id: new ObjectId('0102030405060708090a0b0c'),
        nan: new Double(Number.NaN),
        map: map({ a: 1n, b: [new Int32(1)] }),
        ingest: map({ receivedAt }),
      });

      it('is a duplicate if it is sent again', async () => {
        const commit = upload([original]);
        assert.deepEqual(await fixture.store.commit(commit), { stored: 1, duplicates: 0, ...noLetters });
        assert.deepEqual(await fixture.store.commit(commit), { stored: 0, duplicates: 1, ...noLetters });
        assert.deepEqual(await fixture.documents(), [original]);
      });

      it('is a duplicate at any time of receipt, and the first one stays', async () => {
        await fixture.store.commit(upload([original]));
        const later = Object.assign(map({}), original, { ingest: map({ receivedAt: new Date(0) }) });
        assert.deepEqual(await fixture.store.commit(upload([later])), {
          stored: 0,
          duplicates: 1,
          ...noLetters,
        });
        assert.deepEqual(await fixture.documents(), [original]);
      });

      it('is a dead letter if it differs, and the first one stays', async () => {
        const changed = Object.assign(map({}), original, { map: map({ a: 1n, b: [1n] }) });
        const bytes = new Uint8Array([1, 2, 3]);
        await fixture.store.commit(upload([original]));
        assert.deepEqual(await fixture.store.commit(upload([changed], 'Span', bytes)), {
          stored: 0,
          duplicates: 0,
          deadLetters: [{ className: 'Span', reason: 'id-conflict' }],
        });
        assert.deepEqual(await fixture.documents(), [original]);
        const [letter] = await fixture.letters();
        assert.equal(letter?.reason, 'id-conflict');
        assert.match(letter.detail, /0102030405060708090a0b0c/);
      });

      it('is compared within one upload too: the first one wins', async () => {
        const [first, second] = [map({ _id: 1n, v: 1n }), map({ _id: 1n, v: 2n })];
        const result = await fixture.store.commit(
          request([
            changeset(1, [placed(first, 'Span', 0), placed(first, 'Span', 1), placed(second, 'Span', 2)]),
            changeset(2, [placed(second, 'Span', 0)]),
          ]),
        );
        const conflict = { className: 'Span', reason: 'id-conflict' };
        assert.deepEqual(result, { stored: 1, duplicates: 1, deadLetters: [conflict, conflict] });
        assert.deepEqual(await fixture.documents(), [first]);
      });

      it('leaves the rest of the caller’s message untouched', async () => {
        const message = Buffer.from([1, 2, 3, 4]);
        const conflicting = (place: number) => placed(map({ _id: 1n, v: BigInt(place) }), 'Span', place);
        for (let attempt = 0; attempt < 2; attempt++) {
          await fixture.store.commit(
            request([
              changeset(1, [conflicting(0)], [], message.subarray(0, 2)),
              changeset(2, [conflicting(1)], [], message.subarray(2)),
            ]),
          );
        }
        assert.deepEqual(message, Buffer.from([1, 2, 3, 4]));
        const [letter] = await fixture.letters();
        const whole = await fixture.store.deadLetters.find(letter?.key ?? '');
        assert.deepEqual(Buffer.from(whole?.changeset ?? []), Buffer.from([3, 4]));
      });

      it('is a new document in another collection', async () => {
        await fixture.store.commit(upload([map({ _id: 1n, v: 1n })], 'A'));
        const result = await fixture.store.commit(upload([map({ _id: 1n, v: 2n })], 'B'));
        assert.deepEqual(result, { stored: 1, duplicates: 0, ...noLetters });
      });
    });

    describe('an _id', () => {
      const different: DocumentValue[] = [
        ...[null, '', 'null', '1', true, 1n, 2n ** 63n - 1n, new Double(1.5), Decimal128.fromString('0.1')],
        ...[new ObjectId('0'.repeat(24)), '0'.repeat(24), new Binary(new Uint8Array(16), 4), new Date(0)],
        ...[new Binary(new Uint8Array(16)), map({ a: 1n }), map({ b: 1n }), '\0', 'a', 'A', map({})],
      ];

      it('is distinct for every type, also null and the empty string', async () => {
        const documents = different.map((_id) => map({ _id }));
        const first = await fixture.store.commit(upload(documents));
        assert.deepEqual(first, { stored: different.length, duplicates: 0, ...noLetters });
        const second = await fixture.store.commit(upload(documents));
        assert.deepEqual(second, { stored: 0, duplicates: different.length, ...noLetters });
      });

      it('is the same for equal numbers of different types, as in MongoDB', async () => {
        await fixture.store.commit(upload([map({ _id: 1n })]));
        for (const _id of [new Int32(1), new Double(1), Decimal128.fromString('1.0')]) {
          const { deadLetters } = await fixture.store.commit(upload([map({ _id })]));
          // The document differs in the type of `_id`; the uploads of all types have the same changeset bytes.
          assert.ok(deadLetters.length <= 1);
        }
        assert.deepEqual(await fixture.documents(), [map({ _id: 1n })]);
        assert.equal((await fixture.letters()).length, 1);
      });
    });

    describe('a client file', () => {
      it('is unknown before its first commit, and has all its 64 bits afterwards', async () => {
        assert.equal(await fixture.store.findClientFile(file.ident), undefined);
        await fixture.store.commit(request([], file));
        const small = {
          ident: 1n,
          salt: -(2n ** 63n) + 1n,
          userId: 'é',
          clientVersion: 0n,
          serverVersion: 0n,
        };
        await fixture.store.commit(request([], small));
        await fixture.reopen();
        assert.deepEqual(await fixture.store.findClientFile(file.ident), file);
        assert.deepEqual(await fixture.store.findClientFile(1n), small);
      });

      it('never loses progress, and keeps its first user and salt', async () => {
        await fixture.store.commit(
          request([], { ...file, clientVersion: 2n ** 53n + 1n, serverVersion: 1n }),
        );
        await fixture.store.commit(
          request([], { ...file, clientVersion: 2n ** 53n, serverVersion: 2n, salt: 5n, userId: 'other' }),
        );
        assert.deepEqual(await fixture.store.findClientFile(file.ident), {
          ...file,
          clientVersion: 2n ** 53n + 1n,
          serverVersion: 2n,
        });
      });
    });

    describe('an upload in parts', () => {
      const bytes = new Uint8Array([1, 2, 3]);
      const part = (documents: Document[], isPart: boolean) => ({
        ...request([
          changeset(
            8,
            documents.map((document, place) => placed(document, 'Span', place)),
            [],
            bytes,
          ),
        ]),
        isPart,
      });

      it('stores each part, and the file’s row only with the last one', async () => {
        assert.equal((await fixture.store.commit(part([map({ _id: 1n })], true))).stored, 1);
        assert.equal(await fixture.store.findClientFile(file.ident), undefined);
        assert.equal((await fixture.store.commit(part([map({ _id: 2n })], false))).stored, 1);
        assert.deepEqual(await fixture.store.findClientFile(file.ident), file);
        assert.equal((await fixture.documents()).length, 2);
      });

      it('keeps the first of two documents with the same _id, also if the upload is repeated', async () => {
        const first = part([map({ _id: 1n, v: 1n })], true);
        const last = part([map({ _id: 1n, v: 2n })], false);
        for (let round = 0; round < 2; round += 1) {
          await fixture.store.commit(first);
          await fixture.store.commit(last);
        }
        assert.deepEqual(await fixture.documents(), [map({ _id: 1n, v: 1n })]);
        const [letter, ...others] = await fixture.letters();
        assert.equal(letter?.reason, 'id-conflict');
        assert.deepEqual(others, []);
        assert.deepEqual((await fixture.store.deadLetters.find(letter.key))?.changeset, bytes);
      });
    });

    describe('uploads at the same time', () => {
      it('each get their own result', async () => {
        const commits = Array.from({ length: 60 }, (_, number) =>
          fixture.store.commit(
            request([changeset(number, [placed(map({ _id: BigInt(number % 50) }))])], {
              ...file,
              ident: BigInt(number),
            }),
          ),
        );
        const results = await Promise.all(commits);
        assert.equal(results.filter((result) => result.stored === 1).length, 50);
        assert.equal(results.filter((result) => result.duplicates === 1).length, 10);
        assert.equal((await fixture.documents()).length, 50);
        assert.equal((await fixture.store.findClientFile(59n))?.ident, 59n);
      });
    });

    describe('an open store', () => {
      it('answers a ping', async () => {
        await fixture.store.ping();
      });

      it('finishes earlier calls when it is closed, and refuses later ones', async () => {
        await fixture.store.commit(upload([map({ _id: 0n, name: 'first' })]));
        const many = Array.from({ length: 5000 }, (_, n) =>
          map({ _id: BigInt(n + 1), name: 'x'.repeat(200) }),
        );
        const commit = fixture.store.commit(upload(many));
        const conflict = fixture.store.commit(upload([map({ _id: 0n, name: 'second' })]));
        const ping = fixture.store.ping();
        await Promise.all([fixture.store.close(), fixture.store.close()]);
        assert.equal((await commit).stored, 5000);
        assert.deepEqual((await conflict).deadLetters, [{ className: 'Span', reason: 'id-conflict' }]);
        await ping;
        await assert.rejects(fixture.store.ping(), isStoreError('store-closed', false));
        await assert.rejects(fixture.store.commit(upload([])), isStoreError('store-closed', false));
        await fixture.reopen();
        assert.equal((await fixture.documents()).length, 5001);
      });
    });
  });

  keepsDeadLetterContract(createPlace);
  keepsAccountContract(createPlace);
}
