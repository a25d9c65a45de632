/**
 * Commits one document after the other, and prints each `_id` once its commit has resolved; until it is killed.
 *
 * Arguments: URL of the store, first `_id`.
 */
import { openStore } from '../../src/store/open-store.js';
import { map, upload } from './commit-request.js';

async function run(url: string, first: number): Promise<void> {
  const store = await openStore(url, { mode: 'serve' });
  for (let number = first; ; number += 1) {
    // Several at a time, of several pages each: kills shall hit transactions of every size.
    const documents = Array.from({ length: number % 5 }, (_, place) =>
      map({ _id: `${number}-${place}`, padding: 'x'.repeat(3000) }),
    );
    await store.commit(upload([map({ _id: String(number) }), ...documents]));
    process.stdout.write(`${number}\n`);
  }
}

const [, , url, first] = process.argv;
if (url !== undefined) void run(url, Number(first));
