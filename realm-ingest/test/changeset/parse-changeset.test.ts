import assert from 'node:assert/strict';

import fc from 'fast-check';

import { ChangesetError } from '../../src/changeset/changeset-error.js';
import type { Instruction } from '../../src/changeset/instruction.js';
import { parseChangeset } from '../../src/changeset/parse-changeset.js';
import { instruction, seed } from '../support/arbitraries.js';
import {
  decodeChangeset,
  encodeChangeset,
  encodeInt,
  type NewInstruction,
} from '../../../test/support/server/naive-codec.js';

function withoutOffset(instruction: Instruction): NewInstruction {
  const { offset, ...rest } = instruction;
  assert.ok(offset >= 0);
  return rest;
}
const instructions = fc.array(instruction, { minLength: 1, maxLength: 8 });

/** The instructions, or 'refused'. Any error but a ChangesetError fails the test. */
function parse(bytes: Uint8Array): Instruction[] | 'refused' {
  try {
    return [...parseChangeset(bytes)];
  } catch (error) {
    if (!(error instanceof ChangesetError)) throw error;
    assert.equal(error.reason, 'bad-changeset');
    assert.ok(error.offset >= 0 && error.offset <= bytes.length, `offset ${error.offset} of ${bytes.length}`);
    return 'refused';
  }
}

function decode(bytes: Uint8Array): Instruction[] | 'refused' {
  try {
    return decodeChangeset(bytes);
  } catch {
    return 'refused';
  }
}

describe('parseChangeset', () => {
  it(`reads every instruction, with every payload (seed ${seed})`, () => {
    fc.assert(
      fc.property(instructions, (expected) => {
        assert.deepEqual([...parseChangeset(encodeChangeset(expected))].map(withoutOffset), expected);
      }),
      { seed, numRuns: 500 },
    );
  });

  it(`refuses a changeset that is cut anywhere, or reads fewer instructions (seed ${seed})`, () => {
    fc.assert(
      fc.property(instructions, (whole) => {
        const bytes = encodeChangeset(whole);
        for (let length = 0; length < bytes.length; length++) {
          const cut = bytes.subarray(0, length);
          assert.deepEqual(parse(cut), decode(cut));
        }
      }),
      { seed, numRuns: 10 },
    );
  });

  it(`agrees with the slow codec about changed bytes (seed ${seed})`, () => {
    const change = fc.record({
      at: fc.nat(),
      to: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constant(0xff)),
    });
    fc.assert(
      fc.property(instructions, fc.array(change, { minLength: 1, maxLength: 3 }), (whole, changes) => {
        const bytes = encodeChangeset(whole);
        for (const { at, to } of changes) bytes[at % bytes.length] = to;
        assert.deepEqual(parse(bytes), decode(bytes));
      }),
      { seed, numRuns: 500 },
    );
  });

  it(`agrees with the slow codec about random bytes (seed ${seed})`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        assert.deepEqual(parse(bytes), decode(bytes));
      }),
      { seed, numRuns: 1000 },
    );
  });

  it('checks every length, count and index', () => {
    const one = '3f000153';
    for (const lie of [1n, 2n ** 31n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 63n - 1n, -1n, -(2n ** 63n)].map(
      encodeInt,
    )) {
      for (const hex of [
        `3f00${lie}`,
        `3f${lie}0153`,
        `02${lie}`,
        `${one}04000000${lie}`,
        `${one}040000000003${lie}`,
        `${one}040000000004${lie}`,
        lie,
      ]) {
        assert.equal(parse(new Uint8Array(Buffer.from(hex, 'hex'))), 'refused', hex);
      }
    }
  });

  it('returns the same JavaScript object for equal consecutive keys', () => {
    const object = { type: 'objectId', value: new Uint8Array(12).fill(7) } as const;
    const [first, second] = parseChangeset(
      encodeChangeset([
        { type: 'CreateObject', table: 'Span', object },
        { type: 'EraseObject', table: 'Span', object },
      ]),
    );
    assert.ok(first?.type === 'CreateObject' && second?.type === 'EraseObject');
    assert.equal(first.object, second.object);
  });

  it('reads millions of tiny instructions one at a time', () => {
    const bytes = new Uint8Array(4 + 4_000_000);
    bytes.set([0x3f, 0, 1, 0x53]);
    for (let at = 4; at < bytes.length; at += 2) bytes[at] = 0x01;
    const before = process.memoryUsage().heapUsed;
    let count = 0;
    let most = 0;
    for (const { type } of parseChangeset(bytes)) {
      assert.equal(type, 'EraseTable');
      if (++count % 500_000 === 0) most = Math.max(most, process.memoryUsage().heapUsed - before);
    }
    assert.equal(count, 2_000_000);
    assert.ok(most < 128 * 1024 * 1024, `${most} bytes of heap`);
  });

  it('handles many interned strings in time', () => {
    const parts: Buffer[] = [];
    for (let index = 0; index < 100_000; index++) {
      const text = Buffer.from(String(index));
      parts.push(Buffer.from(`3f${encodeInt(index)}${encodeInt(text.length)}`, 'hex'), text);
    }
    assert.deepEqual(parse(new Uint8Array(Buffer.concat(parts))), []);
  });
});
