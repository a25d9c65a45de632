import assert from 'node:assert/strict';
import fc from 'fast-check';
import { encodeFileName } from '../../src/disk/file-name.js';

describe('encodeFileName', () => {
  it('keeps letters, digits, dashes, underscores and inner dots', () => {
    assert.equal(encodeFileName('check-out_v2.1'), 'check-out_v2.1');
  });

  it('encodes characters with a meaning in paths or file systems', () => {
    assert.equal(encodeFileName('../a'), '%2E.%2Fa');
    assert.equal(encodeFileName('..'), '%2E%2E');
    assert.equal(encodeFileName('a/b\\c:d*'), 'a%2Fb%5Cc%3Ad%2A');
    assert.equal(encodeFileName('Käse'), 'K%C3%A4se');
    assert.equal(encodeFileName('100%'), '100%25');
    assert.equal(encodeFileName(''), '%');
  });

  it('gives no two names the same file, and every name one that file systems take', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ unit: 'binary' }), (a, b) => {
        const name = encodeFileName(a);
        assert.match(name, /^[A-Za-z0-9_%-][A-Za-z0-9_.%-]{0,254}$/);
        if (!/\p{Surrogate}/u.test(a + b)) assert.equal(name === encodeFileName(b), a === b);
      }),
    );
  });

  it('keeps long names with the same beginning apart', () => {
    const long = 'x'.repeat(1000);
    assert.notEqual(encodeFileName(`${long}a`), encodeFileName(`${long}b`));
    assert.ok(encodeFileName(long).length <= 160);
  });
});
