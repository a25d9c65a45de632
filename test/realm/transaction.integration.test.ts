import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sinon from 'sinon';
import Realm from '../support/engine/realm.mjs';
import { asNative, type NativeRealm } from '../../src/realm/realm-types.js';
import { transact } from '../../src/realm/transaction.js';

describe('transact', () => {
  let directory: string;
  let realm: NativeRealm;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'transaction-'));
    const schema = [{ name: 'Note', properties: { text: 'string' } }];
    realm = new (asNative(Realm))({ path: join(directory, 'notes.realm'), schema });
  });

  afterEach(() => {
    sinon.restore();
    realm.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const note = (text: string) => () => realm.create('Note', { text });
  const notes = () => [...realm.objects('Note')].map(({ text }) => text);

  it('leaves no transaction open if the commit throws, for example on a full disk', () => {
    const { internal } = realm as unknown as { internal: { commitTransaction(): void } };
    sinon.stub(internal, 'commitTransaction').onFirstCall().throws(new Error('no space left')).callThrough();
    assert.throws(() => {
      transact(realm, note('lost'));
    }, /no space left/);
    assert.equal(realm.isInTransaction, false);
    transact(realm, note('kept'));
    assert.deepEqual(notes(), ['kept']);
  });

  it('throws inside a transaction of the app, and leaves that alone', () => {
    realm.write(() => {
      note('of the app')();
      assert.throws(() => {
        transact(realm, note('ours'));
      }, /transaction/);
      assert.equal(realm.isInTransaction, true);
    });
    assert.deepEqual(notes(), ['of the app']);
  });
});
