import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { deadLetterKey, digestChangeset } from '../../src/store/dead-letter-key.js';

/**
 * Frozen: a release that made other keys would set the same things aside twice. Computed apart from the code under
 * test: `printf 3f0001 | xxd -r -p | sha256sum`, and so on.
 */
const vectors = [
  {
    description: 'an object of a changeset',
    changeset: '3f0001',
    place: 3,
    reason: 'id-conflict',
    preimage: (digest: string) => `${digest}000000000000000369642d636f6e666c696374`,
    key: '71d926452f77bf14912fe1b6b7680df0212880e836f66f49d98e0f765d27e880',
  },
  {
    description: 'a record of a batch',
    changeset: '3f0001',
    place: -1,
    reason: 'too-large',
    preimage: (digest: string) => `${digest}ffffffffffffffff746f6f2d6c61726765`,
    key: '0946a37027024b450cb386df6fb3b4740a506421c678f752618decd448a0f92b',
  },
  {
    description: 'a whole changeset, an empty one at that',
    changeset: '',
    place: undefined,
    reason: 'bad-changeset',
    preimage: (digest: string) => `${digest}80000000000000006261642d6368616e6765736574`,
    key: 'bed296e68eec24f91113a4350e459b42aae17c0b5d3fdf631e0e2c900aebac73',
  },
] as const;

describe('deadLetterKey', () => {
  for (const { description, changeset, place, reason, preimage, key } of vectors) {
    it(`names ${description}`, () => {
      const digest = digestChangeset(Buffer.from(changeset, 'hex'));
      assert.equal(deadLetterKey(digest, place, reason), key);

      const sha256 = (hex: string) => createHash('sha256').update(Buffer.from(hex, 'hex')).digest('hex');
      assert.equal(sha256(preimage(sha256(changeset))), key);
    });
  }
});
