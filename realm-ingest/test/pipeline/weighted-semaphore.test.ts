import assert from 'node:assert/strict';
import { WeightedSemaphore } from '../../src/pipeline/weighted-semaphore.js';

describe('WeightedSemaphore', () => {
  let begun: string[];

  beforeEach(() => {
    begun = [];
  });

  /** Work that lasts until it is told to end. */
  function work(semaphore: WeightedSemaphore, name: string, weight: number): { end: () => Promise<void> } {
    let finish = (): void => undefined;
    const lasting = new Promise<void>((resolve) => (finish = resolve));
    const done = semaphore.run(weight, () => {
      begun.push(name);
      return lasting;
    });
    return {
      async end() {
        finish();
        await done;
      },
    };
  }

  it('runs as much at the same time as the weights allow', async () => {
    const semaphore = new WeightedSemaphore(10);
    const [a] = [work(semaphore, 'a', 6), work(semaphore, 'b', 4), work(semaphore, 'c', 1)];
    assert.deepEqual(begun, ['a', 'b']);
    await a.end();
    assert.deepEqual(begun, ['a', 'b', 'c']);
  });

  it('serves in the order of arrival: light work does not overtake heavy work', async () => {
    const semaphore = new WeightedSemaphore(10);
    const [a, b] = [work(semaphore, 'a', 6), work(semaphore, 'heavy', 9), work(semaphore, 'light', 1)];
    assert.deepEqual(begun, ['a']);
    await a.end();
    assert.deepEqual(begun, ['a', 'heavy', 'light']);
    await b.end();
  });

  it('lets one work alone have any weight', async () => {
    const semaphore = new WeightedSemaphore(10);
    const [a, heavy] = [work(semaphore, 'a', 1), work(semaphore, 'heavy', 100)];
    await a.end();
    work(semaphore, 'b', 1);
    assert.deepEqual(begun, ['a', 'heavy']);
    await heavy.end();
    assert.deepEqual(begun, ['a', 'heavy', 'b']);
  });

  it('goes on after work that fails, and passes its error on', async () => {
    const semaphore = new WeightedSemaphore(1);
    await assert.rejects(
      semaphore.run(1, () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(await semaphore.run(1, () => Promise.resolve('next')), 'next');
  });
});
