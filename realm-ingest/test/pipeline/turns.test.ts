import assert from 'node:assert/strict';
import { Turns } from '../../src/pipeline/turns.js';

describe('Turns', () => {
  let begun: string[];

  beforeEach(() => {
    begun = [];
  });

  /** Work that takes its turn, and lasts until it is told to end. */
  function work(turns: Turns, name: string, weight: number): { end: () => Promise<void> } {
    let finish = (): void => undefined;
    const lasting = new Promise<void>((resolve) => (finish = resolve));
    const taken = turns.take(weight, () => {
      begun.push(name);
      return lasting;
    });
    return {
      async end() {
        finish();
        await taken;
      },
    };
  }

  it('lets in as many as their weights allow together', async () => {
    const turns = new Turns(10);
    const [a] = [work(turns, 'a', 6), work(turns, 'b', 4), work(turns, 'c', 1)];
    assert.deepEqual(begun, ['a', 'b']);
    await a.end();
    assert.deepEqual(begun, ['a', 'b', 'c']);
  });

  it('serves in the order of arrival: nobody light passes a heavy one that waits', async () => {
    const turns = new Turns(10);
    const [a, b] = [work(turns, 'a', 6), work(turns, 'heavy', 9), work(turns, 'light', 1)];
    assert.deepEqual(begun, ['a']);
    await a.end();
    assert.deepEqual(begun, ['a', 'heavy', 'light']);
    await b.end();
  });

  it('lets one alone have any weight', async () => {
    const turns = new Turns(10);
    const [a, heavy] = [work(turns, 'a', 1), work(turns, 'heavy', 100)];
    await a.end();
    work(turns, 'b', 1);
    assert.deepEqual(begun, ['a', 'heavy']);
    await heavy.end();
    assert.deepEqual(begun, ['a', 'heavy', 'b']);
  });

  it('goes on after work that fails, and passes its error on', async () => {
    const turns = new Turns(1);
    await assert.rejects(
      turns.take(1, () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(await turns.take(1, () => Promise.resolve('next')), 'next');
  });
});
