import assert from 'node:assert/strict';
import { inspectRealm } from '../../src/realm/realm-support.js';
import Realm, { engineName } from '../support/engine/realm.mjs';

describe('inspectRealm', () => {
  it('recognises the engine that the tests run with', () => {
    assert.equal(inspectRealm(Realm).isNative, engineName === 'native');
    assert.match(inspectRealm(Realm).version ?? '', /^12\./);
  });
});
