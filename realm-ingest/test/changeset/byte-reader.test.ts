import assert from 'node:assert/strict';

import fc from 'fast-check';

import { ByteReader } from '../../src/changeset/byte-reader.js';
import { ChangesetError } from '../../src/changeset/changeset-error.js';
import { bytesOfHex } from '../../../test/support/server/vectors.js';
import { seed } from '../support/arbitraries.js';
import { encodeInt } from '../../../test/support/server/naive-codec.js';

const reader = (hex: string): ByteReader => new ByteReader(bytesOfHex(hex));

function refuses(read: () => unknown, offset: number): void {
  assert.throws(read, (thrown) => thrown instanceof ChangesetError && thrown.offset === offset);
}

describe('ByteReader', () => {
  it(`reads every integer of 64 bits (seed ${seed})`, () => {
    const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    fc.assert(
      fc.property(int64, fc.integer({ min: 0, max: 62 }), (value, shift) => {
        const short = value >> BigInt(shift);
        const hex = encodeInt(short);
        assert.equal(reader(hex).int64(), short);
        if (Number.isSafeInteger(Number(short))) assert.equal(reader(hex).int(), Number(short));
        else refuses(() => reader(hex).int(), 0);
      }),
      { seed, numRuns: 1000 },
    );
  });

  it('reads integers with redundant bytes', () => {
    assert.equal(reader('80808080808080808000').int64(), 0n);
    assert.equal(reader('8000').int(), 0);
    assert.equal(reader('8040').int(), -1);
  });

  it('refuses integers beyond 64 bits, of more than ten bytes, and cut anywhere', () => {
    refuses(() => reader('80808080808080808001').int64(), 0);
    refuses(() => reader('8080808080808080808000').int64(), 0);
    const longest = 'ffffffffffffffffff00';
    for (let bytes = 0; bytes < 10; bytes++) {
      refuses(() => reader(longest.slice(0, 2 * bytes)).int64(), bytes);
      refuses(() => reader(longest.slice(0, 2 * bytes)).int(), bytes);
    }
  });

  it('returns views of a Buffer as plain arrays on the same memory', () => {
    const buffer = Buffer.from('xxabcd').subarray(2);
    const view = new ByteReader(buffer).bytes(2);
    assert.equal(Object.getPrototypeOf(view), Uint8Array.prototype);
    buffer[0] = 0x7a;
    assert.deepEqual([...view], [0x7a, 0x62]);
  });

  it('accepts U+FFFD itself, and refuses bytes that decode to it', () => {
    assert.equal(reader('efbfbd').utf8(3), '\ufffd');
    for (const hex of ['ff', 'c3', 'c080', 'eda080', 'f4908080', 'efbfbdff']) {
      refuses(() => reader(`61${hex}`).utf8(1 + hex.length / 2), 0);
    }
  });

  it('never reads beyond its end', () => {
    refuses(() => reader('0000').bytes(3), 2);
    refuses(() => reader('0000').utf8(3), 2);
    refuses(() => reader('000000').float32(), 3);
    refuses(() => reader('00000000000000').float64(), 7);
    refuses(() => reader('').uint8(), 0);
    refuses(() => reader('0300').length('length'), 0);
    refuses(() => reader('40').length('length'), 0);
  });
});
