import assert from 'node:assert/strict';
import { ObjectId } from 'bson';
import { inspectRealm } from '../../src/realm/realm-support.js';
import type { RealmConstructor } from '../../src/realm/realm-types.js';

const BSON = { ObjectId };

/** A Realm class of some version. */
function realmOf(sdkVersion: string | undefined, frameworkName = 'Node.js'): RealmConstructor {
  const App = Object.assign(() => undefined, { deviceInfo: { sdkVersion, frameworkName } });
  return realmWith({ BSON, App });
}

function realmWith(members: object): RealmConstructor {
  const OtherRealm = (): undefined => undefined;
  Object.defineProperties(OtherRealm, Object.getOwnPropertyDescriptors(members));
  return OtherRealm as never;
}

describe('inspectRealm', () => {
  for (const version of ['12.7.0', '12.15.0', undefined]) {
    it(`accepts native ${version ?? 'without a version'}`, () => {
      const { warning, isNative } = inspectRealm(realmOf(version));
      assert.equal(isNative, true);
      if (version !== undefined) assert.equal(warning, undefined);
    });
  }

  for (const version of ['12.6.2', '12.0.0', '11.10.0']) {
    it(`warns about native ${version}`, () => {
      assert.match(inspectRealm(realmOf(version)).warning ?? '', /older than 12\.7/);
    });
  }

  it('lets only versions compact that do it safely', () => {
    const decide = (version: string | undefined) =>
      inspectRealm(realmOf(version)).shouldCompact?.(100 * 2 ** 20, 2 ** 20);
    for (const version of ['12.12.0', '12.15.0']) assert.equal(decide(version), true, version);
    for (const version of ['12.7.0', '12.10.0', '12.11.1', undefined]) assert.equal(decide(version), false);
    assert.equal(inspectRealm(realmOf('12.0.0-browser.1', 'WebAssembly')).shouldCompact, undefined);
  });

  it('does not warn about the WebAssembly engine, which has no other versions', () => {
    assert.equal(inspectRealm(realmOf('12.0.0-browser.1', 'WebAssembly')).warning, undefined);
  });

  for (const [what, value] of [
    ['nothing', undefined],
    ['an instance', {}],
    ['a class without BSON', realmWith({})],
    ['a build without sync', realmWith({ BSON })],
    ['version 20', realmOf('20.1.0')],
    [
      'accessors that throw',
      realmWith({
        BSON,
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
