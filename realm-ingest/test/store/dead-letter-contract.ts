import assert from 'node:assert/strict';
import type { DeadLetter } from '../../src/store/store.js';
import {
  badChangeset,
  changeset,
  file,
  map,
  noLetters,
  placed,
  receivedAt,
  request,
  upload,
} from '../support/commit-request.js';
import { isStoreError, useStore, type CreateStorePlace } from '../support/store-fixture.js';

/** A part of the contract of every store. */
export function keepsDeadLetterContract(createPlace: CreateStorePlace): void {
  describe('what cannot be stored', () => {
    const fixture = useStore(createPlace);

    describe('dead letters', () => {
      it('keep the changeset, the reason and the origin', async () => {
        const bytes = new Uint8Array([0x3f, 0x00, 0x01]);
        const rejections = [
          { place: 3, className: 'Span', reason: 'too-deep', detail: 'nested too deep' },
          { reason: 'bad-changeset', detail: 'at offset 2' },
        ] as const;
        const commit = request([changeset(9, [placed(map({ _id: 1n }))], rejections, bytes)]);
        assert.deepEqual(await fixture.store.commit(commit), {
          stored: 1,
          duplicates: 0,
          deadLetters: [{ reason: 'too-deep', className: 'Span' }, { reason: 'bad-changeset' }],
        });
        await fixture.reopen();
        const common = {
          appId: 'app',
          userId: file.userId,
          fileIdent: file.ident,
          clientVersion: 9n,
          receivedAt,
          sizeBytes: 3,
        };
        const [first, second] = await fixture.letters();
        assert.match(first!.key, /^[0-9a-f]{64}$/);
        assert.deepEqual(first, { key: first!.key, ...rejections[0], ...common });
        assert.deepEqual(second, { key: second!.key, ...rejections[1], ...common });
        const found = await fixture.store.deadLetters.find(first.key);
        assert.deepEqual(found, { ...first, changeset: bytes });
      });

      it('are not added again if the same rejection is repeated', async () => {
        await fixture.store.commit(badChangeset(new Uint8Array([1])));
        const again = { ...badChangeset(new Uint8Array([1])), file: { ...file, ident: 5n } };
        assert.deepEqual(await fixture.store.commit(again), { stored: 0, duplicates: 0, ...noLetters });
        assert.equal((await fixture.letters()).length, 1);
        assert.ok(await fixture.store.findClientFile(5n));
      });

      it('are listed oldest first, and found by a unique beginning of their key', async () => {
        for (let number = 0; number < 40; number += 1) {
          await fixture.store.commit(badChangeset(new Uint8Array([number])));
        }
        const keys = (await fixture.letters()).map(({ key }) => key);
        assert.equal(new Set(keys).size, 40);
        const lastOne = await fixture.store.deadLetters.find(keys[39]!);
        assert.deepEqual(lastOne?.changeset, new Uint8Array([39]));
        for (const key of keys) {
          // Forty keys share sixteen first digits.
          const shared = keys.filter((other) => other.startsWith(key.slice(0, 1))).length > 1;
          const byDigit = await fixture.store.deadLetters.find(key.slice(0, 1));
          assert.equal(byDigit?.key, shared ? undefined : key);
          assert.equal((await fixture.store.deadLetters.find(key.slice(0, 12)))?.key, key);
        }
        assert.ok(
          keys.some((key) => keys.some((other) => other !== key && other.startsWith(key.slice(0, 1)))),
        );
        for (const none of ['', 'f'.repeat(64), 'F', '%', '_', "' OR 1=1 --", 'g', keys[0]! + '0']) {
          assert.equal(await fixture.store.deadLetters.find(none), undefined, none);
        }
      });

      it('keep a copy of a large changeset', async () => {
        const message = new Uint8Array(3 * 1024 * 1024 + 100);
        for (let offset = 0; offset < message.length; offset += 997) message[offset] = offset % 251;
        const bytes = message.subarray(50, -50);
        await fixture.store.commit(badChangeset(bytes));
        const expected = bytes.slice();
        assert.equal(expected.length, 3 * 1024 * 1024);
        message.fill(0xee);
        const [letter] = await fixture.letters();
        assert.equal(letter!.sizeBytes, expected.length);
        const found = await fixture.store.deadLetters.find(letter!.key);
        assert.ok(Buffer.compare(found!.changeset, expected) === 0);
      });

      it('accept hostile class names and details', async () => {
        const className = '\0"; DROP TABLE documents --\ud800';
        // The stored part ends between the halves of a surrogate pair.
        const detail = `${'x'.repeat(499)}${'\u{1f600}'.repeat(100_000)}\0`;
        await fixture.store.commit(
          request([changeset(1, [], [{ place: 0, className, reason: 'class-not-admitted', detail }])]),
        );
        const [letter] = await fixture.letters();
        assert.match(letter!.className!, /DROP TABLE/);
        assert.doesNotMatch(letter!.className!, /\p{Surrogate}|\0/u);
        assert.equal(letter!.detail, `${'x'.repeat(499)}\ufffd`);
      });

      it('are deleted once', async () => {
        await fixture.store.commit(badChangeset(new Uint8Array([1])));
        const [letter] = await fixture.letters();
        assert.equal(await fixture.store.deadLetters.delete(letter!.key), true);
        assert.equal(await fixture.store.deadLetters.delete(letter!.key), false);
        assert.deepEqual(await fixture.letters(), []);
        assert.equal(await fixture.store.deadLetters.find(letter!.key), undefined);
      });

      it('share the bytes of their changeset until the last one is deleted', async () => {
        const rejections = [0, 1].map((at) => ({ place: at, reason: 'too-large', detail: '' }) as const);
        await fixture.store.commit(request([changeset(1, [], rejections)]));
        const [first, second] = await fixture.letters();
        await fixture.store.deadLetters.delete(first!.key);
        assert.equal((await fixture.store.deadLetters.find(second!.key))?.changeset.length, 2);
      });

      describe('when there is no more room', () => {
        const large = (number: number) => new Uint8Array(100_000).fill(number);
        beforeEach(async () => {
          await fixture.reopen({ maxDeadLetterBytes: 250_000 });
          await fixture.store.commit(badChangeset(large(1)));
          await fixture.store.commit(badChangeset(large(2)));
        });
        const tooMuch = request([
          changeset(5, [placed(map({ _id: 'beside' }))], [{ reason: 'bad-changeset', detail: '' }], large(3)),
        ]);

        it('refuse the whole upload that would add one', async () => {
          const before = await fixture.store.findClientFile(file.ident);
          const ahead = { ...tooMuch, file: { ...file, clientVersion: 1000n } };
          await assert.rejects(fixture.store.commit(ahead), isStoreError('store-dead-letters-full', true));
          assert.deepEqual(await fixture.documents(), []);
          assert.equal((await fixture.letters()).length, 2);
          assert.deepEqual(await fixture.store.findClientFile(file.ident), before);
        });

        it('let all other uploads pass, also at the same time', async () => {
          const [full, fine, known] = await Promise.allSettled([
            fixture.store.commit(tooMuch),
            fixture.store.commit(upload([map({ _id: 1n })])),
            fixture.store.commit(badChangeset(large(1))),
          ]);
          assert.equal(full.status, 'rejected');
          assert.deepEqual(fine, { status: 'fulfilled', value: { stored: 1, duplicates: 0, ...noLetters } });
          assert.deepEqual(known, { status: 'fulfilled', value: { stored: 0, duplicates: 0, ...noLetters } });
        });

        it('accept another one after one was deleted', async () => {
          const [letter] = await fixture.letters();
          await fixture.store.deadLetters.delete(letter!.key);
          const { stored: count, deadLetters } = await fixture.store.commit(tooMuch);
          assert.deepEqual({ count, letters: deadLetters.length }, { count: 1, letters: 1 });
        });
      });
    });

    describe('a dead letter that is retried', () => {
      const bytes = new Uint8Array([7, 7]);
      const setAside = async (): Promise<DeadLetter> => {
        await fixture.store.commit(badChangeset(bytes));
        const [letter] = await fixture.letters();
        return (await fixture.store.deadLetters.find(letter!.key))!;
      };

      it('is deleted when its documents are stored', async () => {
        const letter = await setAside();
        const progress = await fixture.store.findClientFile(file.ident);
        const documents = [placed(map({ _id: 1n })), placed(map({ _id: 2n }), 'Span', 1)];
        const result = await fixture.store.retryDeadLetter(letter, changeset(9, documents, [], bytes));
        assert.deepEqual(result, { stored: 2, duplicates: 0, ...noLetters });
        assert.deepEqual(await fixture.letters(), []);
        assert.deepEqual(await fixture.store.findClientFile(file.ident), progress);
      });

      it('stays if the reason still holds, and tells it', async () => {
        const letter = await setAside();
        const [summary] = await fixture.letters();
        const still = [{ reason: 'bad-changeset', detail: 'at offset 0' }] as const;
        const result = await fixture.store.retryDeadLetter(letter, changeset(9, [], still, bytes));
        assert.deepEqual(result.deadLetters, [{ reason: 'bad-changeset' }]);
        assert.deepEqual(await fixture.letters(), [summary]);
      });

      it('is replaced by letters for what still cannot be stored', async () => {
        await fixture.store.commit(upload([map({ _id: 1n, v: 1n })]));
        const letter = await setAside();
        const documents = [placed(map({ _id: 1n, v: 2n })), placed(map({ _id: 2n }), 'Span', 1)];
        const result = await fixture.store.retryDeadLetter(letter, changeset(9, documents, [], bytes));
        assert.equal(result.stored, 1);
        assert.deepEqual(result.deadLetters, [{ className: 'Span', reason: 'id-conflict' }]);
        const [left, ...others] = await fixture.letters();
        assert.deepEqual(others, []);
        assert.equal(left?.reason, 'id-conflict');
        assert.deepEqual((await fixture.store.deadLetters.find(left.key))?.changeset, bytes);
      });

      it('stays if the result is empty', async () => {
        const letter = await setAside();
        const result = await fixture.store.retryDeadLetter(letter, changeset(9, [], [], bytes));
        assert.deepEqual(result, { stored: 0, duplicates: 0, ...noLetters });
        assert.equal((await fixture.letters()).length, 1);
      });

      it('may be retried twice at the same time', async () => {
        const letter = await setAside();
        const again = changeset(9, [placed(map({ _id: 1n }))], [], bytes);
        const results = await Promise.all([
          fixture.store.retryDeadLetter(letter, again),
          fixture.store.retryDeadLetter(letter, again),
        ]);
        assert.deepEqual(results.map((result) => [result.stored, result.duplicates]).sort(), [
          [0, 1],
          [1, 0],
        ]);
        assert.deepEqual(await fixture.letters(), []);
      });
    });
  });
}
