import assert from 'node:assert/strict';
import type { ApiKey } from '../../src/store/store.js';
import { useStore, type CreateStorePlace } from '../support/store-fixture.js';

/** A part of the contract of every store. */
export function keepsAccountContract(createPlace: CreateStorePlace): void {
  describe('accounts', () => {
    const fixture = useStore(createPlace);

    describe('API keys', () => {
      const key = (number: number): ApiKey => ({
        id: String(number).padStart(24, '0'),
        hash: new Uint8Array(32).fill(number),
        userName: `device ${number}`,
        createdAt: new Date(1000 * number),
      });

      it('are listed oldest first, and found by hash and by id', async () => {
        for (const number of [2, 1]) await fixture.store.apiKeys.create(key(number));
        await fixture.reopen();
        assert.deepEqual(await fixture.store.apiKeys.list(), [key(1), key(2)]);
        assert.deepEqual(await fixture.store.apiKeys.findByHash(key(2).hash), key(2));
        assert.deepEqual(await fixture.store.apiKeys.findById(key(1).id), key(1));
        assert.equal(await fixture.store.apiKeys.findByHash(key(3).hash), undefined);
        assert.equal(await fixture.store.apiKeys.findById(key(3).id), undefined);
      });

      it('are revoked once, and stay in the list', async () => {
        await fixture.store.apiKeys.create(key(1));
        const revokedAt = new Date(5);
        assert.equal(await fixture.store.apiKeys.revoke(key(1).id, revokedAt), true);
        assert.equal(await fixture.store.apiKeys.revoke(key(1).id, new Date(6)), false);
        assert.equal(await fixture.store.apiKeys.revoke(key(2).id, revokedAt), false);
        assert.deepEqual(await fixture.store.apiKeys.list(), [{ ...key(1), revokedAt }]);
      });
    });

    describe('revocations', () => {
      it('apply to their subjects only, and may be repeated', async () => {
        assert.equal(await fixture.store.revocations.has(['a']), false);
        await fixture.store.revocations.add('a', new Date());
        await fixture.store.revocations.add('a', new Date());
        await fixture.reopen();
        assert.equal(await fixture.store.revocations.has(['b', 'a']), true);
        assert.equal(await fixture.store.revocations.has(['A', 'b']), false);
        assert.equal(await fixture.store.revocations.has([]), false);
      });
    });

    describe('the secret', () => {
      it('is the first candidate', async () => {
        assert.deepEqual(await fixture.store.loadSecret(), {});
        const secret = new Uint8Array(32).fill(1);
        const [one, other] = await Promise.all([
          fixture.store.keepSecret(secret),
          fixture.store.keepSecret(new Uint8Array(32).fill(2)),
        ]);
        assert.deepEqual(one, other);
        await fixture.reopen();
        assert.deepEqual(await fixture.store.loadSecret(), { secret: one });
        assert.equal(secret[0], 1);
      });

      it('leaves the fingerprint of the last one', async () => {
        await fixture.store.keepFingerprint(new Uint8Array([1]));
        await fixture.store.keepFingerprint(new Uint8Array([2]));
        assert.deepEqual(await fixture.store.loadSecret(), { fingerprint: new Uint8Array([2]) });
      });
    });
  });
}
