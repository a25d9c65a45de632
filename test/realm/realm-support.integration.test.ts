import assert from 'node:assert/strict';
import Realm, { engineName } from '../support/engine/realm.mjs';
import { inspectRealm } from '../../src/realm/realm-support.js';
import type { RealmConstructor } from '../../src/realm/realm-types.js';

/** A Realm class as another version would show itself. */
function realmOf(sdkVersion: string | undefined, frameworkName = 'Node.js'): RealmConstructor {
  const App = Object.assign(() => undefined, { deviceInfo: { sdkVersion, frameworkName } });
  return realmWith({ BSON: Realm.BSON, App });
}

function realmWith(members: object): RealmConstructor {
  const OtherRealm = (): undefined => undefined;
  Object.defineProperties(OtherRealm, Object.getOwnPropertyDescriptors(members));
  return OtherRealm as never;
}

describe('inspectRealm', () => {
  it('knows the engine that the tests run with', () => {
    assert.equal(inspectRealm(Realm).isNative, engineName === 'native');
    assert.match(inspectRealm(Realm).version ?? '', /^12\./);
  });

  for (const version of ['12.7.0', '12.15.0', undefined]) {
    it(`says nothing of native ${version ?? 'without a version'}`, () => {
      const { warning, isNative } = inspectRealm(realmOf(version));
      assert.equal(isNative, true);
      if (version !== undefined) assert.equal(warning, undefined);
    });
  }

  for (const version of ['12.6.2', '12.0.0', '11.10.0']) {
    it(`warns of native ${version}`, () => {
      assert.match(inspectRealm(realmOf(version)).warning ?? '', /older than 12\.7/);
    });
  }

  it('has files compacted by versions that do it well, and by no others', () => {
    const decide = (version: string | undefined) =>
      inspectRealm(realmOf(version)).shouldCompact?.(100 * 2 ** 20, 2 ** 20);
    for (const version of ['12.12.0', '12.15.0']) assert.equal(decide(version), true, version);
    for (const version of ['12.7.0', '12.10.0', '12.11.1', undefined]) assert.equal(decide(version), false);
    assert.equal(inspectRealm(realmOf('12.0.0-browser.1', 'WebAssembly')).shouldCompact, undefined);
  });

  it('does not warn of the WebAssembly engine, which has no other versions', () => {
    assert.equal(inspectRealm(realmOf('12.0.0-browser.1', 'WebAssembly')).warning, undefined);
  });

  for (const [what, value] of [
    ['nothing', undefined],
    ['an instance', {}],
    ['a class without BSON', realmWith({})],
    ['a build without sync', realmWith({ BSON: Realm.BSON })],
    ['version 20', realmOf('20.1.0')],
    [
      'accessors that throw',
      realmWith({
        BSON: Realm.BSON,
        get App(): never {
          throw new Error('removed');
        },
      }),
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => inspectRealm(value as never), { code: 'unsupported-realm' });
    });
  }
});
