import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import type { Store } from '../store/store.js';
import { CommandError } from './command-error.js';
import { addStoreOption, withStore, type StoreOption } from './command-options.js';
import { toExtendedJson } from './extended-json.js';
import { isBrokenPipe } from './terminal.js';

interface ExportOptions extends StoreOption {
  readonly collection: string;
}

/** `realm-ingest export`: prints a collection, also while a server runs. */
export function addExportCommand(program: Command): void {
  addStoreOption(
    program
      .command('export')
      .description('print a collection as canonical Extended JSON, one document a line')
      .requiredOption('--collection <name>', 'the collection, such as Span or LogRecord'),
  ).action(exportCollection);
}

async function exportCollection({ store: url, collection }: ExportOptions): Promise<void> {
  await withStore(url, 'read', async (store) => {
    await requireCollection(store, collection);
    try {
      await pipeline(Readable.from(linesOf(store, collection)), process.stdout, { end: false });
    } catch (error) {
      // The reader closed the pipe.
      if (!isBrokenPipe(error)) throw error;
    }
  });
}

async function* linesOf(store: Store, collection: string): AsyncGenerator<string> {
  for await (const document of store.documents(collection)) yield `${toExtendedJson(document)}\n`;
}

async function requireCollection(store: Store, name: string): Promise<void> {
  const names = await store.collections();
  if (names.includes(name)) return;
  const others = names.length === 0 ? 'is empty' : `has ${names.join(', ')}`;
  throw new CommandError('collection-not-found', `${JSON.stringify(name)}; the store ${others}`);
}
