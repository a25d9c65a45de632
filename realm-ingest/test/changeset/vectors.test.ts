import assert from 'node:assert/strict';

import { assembleObjects } from '../support/assemble-objects.js';
import { ByteReader } from '../../src/changeset/byte-reader.js';
import { ChangesetError } from '../../src/changeset/changeset-error.js';
import { parseChangeset } from '../../src/changeset/parse-changeset.js';
import { ValueReader } from '../../src/changeset/value-reader.js';
import { bytesOfHex, loadVectors, toNotation } from '../../../test/support/server/vectors.js';
import { decodeChangeset } from '../../../test/support/server/naive-codec.js';

describe('changeset vectors', () => {
  for (const { file, vectors } of loadVectors('integers')) {
    describe(file, () => {
      for (const { description, hex, expected } of vectors) {
        it(description, () => {
          const reader = new ByteReader(bytesOfHex(hex));
          assert.deepEqual(toNotation(reader.int64()), expected);
          assert.equal(reader.remaining, 0);
        });
      }
    });
  }

  for (const { file, vectors } of loadVectors('payloads')) {
    describe(file, () => {
      for (const { description, hex, expected } of vectors) {
        it(description, () => {
          const reader = new ValueReader(bytesOfHex(hex));
          assert.deepEqual(toNotation(reader.payload()), expected);
          assert.equal(reader.primitives.remaining, 0);
        });
      }
    });
  }

  for (const { file, vectors } of loadVectors('changesets')) {
    describe(file, () => {
      for (const { description, hex, expected, error } of vectors) {
        const bytes = bytesOfHex(hex);
        if (error) {
          it(`refuses ${description}`, () => {
            assert.throws(
              () => assembleObjects(parseChangeset(bytes)),
              (thrown) =>
                thrown instanceof ChangesetError &&
                thrown.code === error.code &&
                thrown.offset === error.offset,
            );
          });
        } else {
          it(`reads ${description}`, () => {
            const instructions = [...parseChangeset(bytes)];
            const objects = assembleObjects(instructions);
            assert.deepEqual(toNotation({ instructions, objects }), expected);
          });
          it(`reads ${description} as the slow codec does`, () => {
            assert.deepEqual([...parseChangeset(bytes)], decodeChangeset(bytes));
          });
        }
      }
    });
  }
});
