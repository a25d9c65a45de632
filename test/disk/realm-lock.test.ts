import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parseRealmLock, REALM_LOCK_BYTES, type RealmLock } from '../../src/disk/realm-lock.js';

interface Vector {
  readonly description: string;
  readonly hex: string;
  readonly expected: RealmLock;
}

const { files } = JSON.parse(
  readFileSync(new URL('../vectors/realm-lock.json', import.meta.url), 'utf8'),
) as { readonly files: readonly Vector[] };

describe("a Realm's lock file", () => {
  for (const { description, hex, expected } of files) {
    it(`is read: ${description}`, () => {
      assert.deepEqual(parseRealmLock(Buffer.from(hex, 'hex')), expected);
    });
  }

  it('is not read if it is incomplete, too short, or has another layout', () => {
    const valid = Buffer.from(files[0]?.hex ?? '', 'hex');
    for (let length = 0; length < REALM_LOCK_BYTES; length += 1) {
      assert.equal(parseRealmLock(valid.subarray(0, length)), undefined, `${length} bytes`);
    }
    const unfinished = Buffer.from(valid);
    unfinished[0] = 0;
    assert.equal(parseRealmLock(unfinished), undefined);
    const newer = Buffer.from(valid);
    newer[6] = 15;
    assert.equal(parseRealmLock(newer), undefined);
  });
});
