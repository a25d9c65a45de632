import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeRealmKey, encodeRealmKey } from '../../src/wire/realm-key.js';

/** Any string of UTF-16 units, and often of those that matter. */
const anyName = fc.oneof(
  fc.string({
    unit: fc.constantFrom('%', '.', '$', '25', '2E', '24', 'u', 'D800', '\uD800', '\uDC00', 'a', '😀'),
  }),
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
);

describe('Realm keys', () => {
  for (const [name, key] of [
    ['http.request.method', 'http%2Erequest%2Emethod'],
    ['', ''],
    ['$date', '%24date'],
    ['a$', 'a$'],
    ['$$', '%24$'],
    ['100%', '100%25'],
    ['%2E', '%252E'],
    ['.', '%2E'],
    ['__proto__', '__proto__'],
    ['a\0b', 'a\0b'],
    ['\uD800', '%uD800'],
    ['\uDFFFx', '%uDFFFx'],
    ['\uDC00\uD800', '%uDC00%uD800'],
    ['😀', '😀'],
    ['%uD800', '%25uD800'],
  ] as const) {
    it(`write ${JSON.stringify(name)} as ${JSON.stringify(key)}, and read it back`, () => {
      assert.equal(encodeRealmKey(name), key);
      assert.equal(decodeRealmKey(key), name);
    });
  }

  it('give every name back, and are keys that Realm takes', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const key = encodeRealmKey(name);
        assert.equal(decodeRealmKey(key), name);
        assert.ok(!key.includes('.') && !key.startsWith('$'));
        assert.doesNotThrow(() => encodeURIComponent(key), 'well-formed Unicode');
      }),
      { numRuns: 2000 },
    );
  });

  it('of another writer are read as far as they go', () => {
    assert.equal(decodeRealmKey('cpu %'), 'cpu %');
    assert.equal(decodeRealmKey('%zz%2e%u0041%24'), '%zz%2e%u0041%24');
  });

  it('stay right once more names were seen than are remembered', () => {
    for (let i = 0; i < 3000; i++) assert.equal(encodeRealmKey(`made.up.${i}`), `made%2Eup%2E${i}`);
  });
});
