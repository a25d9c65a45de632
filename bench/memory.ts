/**
 * How much memory realm-ingest takes for one large transaction: `npx tsx bench/memory.ts [MiB …]`.
 *
 * The server runs in its own process with a SQLite store. Each size is one changeset of typical spans, uploaded over a
 * WebSocket as clients do. It prints the server's peak resident memory, its memory before, and the time from the
 * upload to its acknowledgement.
 *
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { largeChangeset } from '../realm-ingest/test/support/large-changeset.js';
import { measuredAppId, startMeasuredServer } from '../realm-ingest/test/support/measured-server.js';
import { logIn, SyncClient } from '../test/support/server/sync-client.js';

const mebibyte = 2 ** 20;

async function measure(bytes: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'realm-ingest-bench-'));
  const server = await startMeasuredServer({ store: `sqlite:${join(directory, 'store.db')}` });
  try {
    const { access_token: token } = await logIn(server.url, measuredAppId);
    const client = await SyncClient.open(server.url, measuredAppId, token);
    const { changeset, spans } = largeChangeset(bytes, Buffer.alloc(8, 1));
    const before = await server.memory();
    const begun = performance.now();
    client.upload(11, changeset);
    while (client.acknowledged < 11) await client.receive('download');
    const seconds = (performance.now() - begun) / 1000;
    const after = await server.memory();
    client.terminate();
    process.stdout.write(
      `${toMebibytes(bytes)} in ${spans} spans: ${toMebibytes(after.maxRssBytes)} at most, ` +
        `${toMebibytes(before.rssBytes)} before; ${seconds.toFixed(1)} s\n`,
    );
  } finally {
    await server.kill();
    await rm(directory, { recursive: true });
  }
}

function toMebibytes(bytes: number): string {
  return `${Math.round(bytes / mebibyte)} MiB`;
}

const sizes = process.argv.slice(2).map(Number);
for (const size of sizes.length > 0 ? sizes : [1, 64, 127]) await measure(size * mebibyte);
