import assert from 'node:assert/strict';
import { encodeChangesets } from '../../../src/store/sqlite/encode-commit.js';
import { changeset, map, placed } from '../../support/commit-request.js';

describe('encodeChangesets', () => {
  it('encodes a large upload in slices, between which the event loop runs', async () => {
    const documents = Array.from({ length: 20_000 }, (_, number) =>
      placed(map({ _id: BigInt(number), map: map({ a: 'x'.repeat(50), b: [true, null] }) })),
    );
    let turns = 0;
    let encoded = false;
    const count = () => {
      turns += 1;
      if (!encoded) setImmediate(count);
    };
    setImmediate(count);
    await encodeChangesets([changeset(1, documents)]);
    encoded = true;
    assert.ok(turns > 2, `${turns} turns`);
  });
});
