/**
 * How much memory realm-ingest takes for one large transaction: `npx tsx bench/memory.ts [MiB …]`.
 *
 * The server is a process of its own with a SQLite store. Each size is one changeset of typical spans, uploaded over a
 * WebSocket as clients do. Printed are the server's peak resident memory, less what it had before, and the time from
 * the upload to its acknowledgement.
 *
 * @module
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { largeChangeset } from '../test/ingest/server/large-changeset.js';
import { logIn, SyncClient } from '../test/ingest/server/sync-client.js';
import type { MeasuredServerMessage } from './measured-server.js';

const mebibyte = 2 ** 20;
const serverModule = fileURLToPath(new URL('./measured-server.ts', import.meta.url));

async function measure(bytes: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'realm-ingest-bench-'));
  const server = fork(serverModule, [`sqlite:${join(directory, 'store.db')}`], {
    execArgv: ['--import', 'tsx'],
  });
  try {
    const started = await hear(server);
    if (!('url' in started)) throw new Error('the server did not start');
    const { access_token: token } = await logIn(started.url, 'bench');
    const client = await SyncClient.open(started.url, 'bench', token);
    const { changeset, spans } = largeChangeset(bytes, Buffer.alloc(8, 1));
    const before = await memoryOf(server);
    const begun = performance.now();
    client.upload(11, changeset);
    while (client.acknowledged < 11) await client.receive('download');
    const seconds = (performance.now() - begun) / 1000;
    const after = await memoryOf(server);
    client.terminate();
    const taken = (after.maxRssBytes - before.rssBytes) / bytes;
    process.stdout.write(
      `${toMebibytes(bytes)} in ${spans} spans: ${toMebibytes(after.maxRssBytes)} at most, ` +
        `${toMebibytes(before.rssBytes)} before: ${taken.toFixed(1)} times its size; ${seconds.toFixed(1)} s\n`,
    );
  } finally {
    server.kill('SIGKILL');
    await once(server, 'exit');
    await rm(directory, { recursive: true });
  }
}

async function hear(server: ChildProcess): Promise<MeasuredServerMessage> {
  const [message] = (await once(server, 'message')) as [MeasuredServerMessage];
  return message;
}

async function memoryOf(server: ChildProcess): Promise<{ maxRssBytes: number; rssBytes: number }> {
  server.send('memory?');
  const message = await hear(server);
  if (!('rssBytes' in message)) throw new Error('the server did not answer');
  return message;
}

function toMebibytes(bytes: number): string {
  return `${Math.round(bytes / mebibyte)} MiB`;
}

const sizes = process.argv.slice(2).map(Number);
for (const size of sizes.length > 0 ? sizes : [1, 64, 127]) await measure(size * mebibyte);
