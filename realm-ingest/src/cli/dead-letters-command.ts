import { CommanderError, type Command } from 'commander';
import { createChangesetConverter } from '../pipeline/changeset-documents.js';
import { retryDeadLetter } from '../pipeline/dead-letter-retry.js';
import { createDefaultLogger } from '../server/default-logger.js';
import type { DeadLetter, DeadLetterSummary, Store } from '../store/store.js';
import { CommandError } from './command-error.js';
import {
  addClassOptions,
  addStoreOption,
  withStore,
  type ClassOptions,
  type StoreOption,
} from './command-options.js';
import { exitCodes } from './exit-codes.js';
import { note, print, toPrintable, toTable } from './terminal.js';

/** Options of commands that act on several letters. */
interface SelectionOptions extends StoreOption {
  readonly all?: boolean;
}

/** Digits of a key that are printed. Commands accept any unique beginning. */
const shortKeyLength = 12;

const keyArgument = 'key from `dead-letters list`, or its beginning';

/** `realm-ingest dead-letters`: lists, shows, retries and deletes dead letters. */
export function addDeadLettersCommand(program: Command): void {
  const letters = program
    .command('dead-letters')
    .description('list, show, retry or delete what could not be stored');
  addStoreOption(letters.command('list').description('print all dead letters, oldest first')).action(
    listLetters,
  );
  addStoreOption(
    letters
      .command('show')
      .description('print one dead letter as JSON, with its changeset in base64')
      .argument('<key>', keyArgument),
  ).action(showLetter);
  addClassOptions(
    addStoreOption(
      letters
        .command('retry')
        .description('try again to store dead letters; give the same class options as to serve')
        .argument('[keys...]', keyArgument)
        .option('--all', 'all dead letters'),
    ),
  ).action(retryLetters);
  addStoreOption(
    letters
      .command('delete')
      .description('delete dead letters; they cannot be restored')
      .argument('[keys...]', keyArgument)
      .option('--all', 'all dead letters'),
  ).action(deleteLetters);
}

async function listLetters({ store: url }: StoreOption): Promise<void> {
  await withStore(url, 'read', async (store) => {
    const rows = [['KEY', 'RECEIVED', 'REASON', 'CLASS', 'BYTES', 'USER', 'DETAIL']];
    for await (const letter of store.deadLetters.list()) {
      rows.push([
        letter.key.slice(0, shortKeyLength),
        letter.receivedAt.toISOString(),
        letter.reason,
        letter.className ?? '-',
        String(letter.sizeBytes),
        letter.userId,
        letter.detail,
      ]);
    }
    for (const line of toTable(rows)) await print(line);
  });
}

async function showLetter(key: string, { store: url }: StoreOption): Promise<void> {
  const letter = await withStore(url, 'read', (store) => findLetter(store, key));
  await print(
    JSON.stringify(
      {
        ...letter,
        fileIdent: String(letter.fileIdent),
        clientVersion: String(letter.clientVersion),
        changeset: Buffer.from(letter.changeset).toString('base64'),
      },
      undefined,
      2,
    ),
  );
}

async function retryLetters(
  keys: string[],
  options: SelectionOptions & ClassOptions,
  command: Command,
): Promise<void> {
  requireSelection(keys, options, command);
  const converter = createChangesetConverter({ ...options, logger: createDefaultLogger('error') });
  let kept = 0;
  const retry = async (store: Store): Promise<void> => {
    for (const key of await selectKeys(store, keys, options)) {
      const letter = await findLetter(store, key);
      const { deadLetters } = await retryDeadLetter(store, converter, letter);
      const shortKey = letter.key.slice(0, shortKeyLength);
      if (deadLetters.length === 0) {
        await print(`stored ${shortKey}`);
        continue;
      }
      const reasons = new Set(deadLetters.map(({ reason }) => reason));
      await print(`kept ${shortKey}: ${[...reasons].join(', ')}`);
      kept += 1;
    }
  };
  await withStore(options.store, 'command', retry, options);
  if (kept > 0) {
    // Not `command.error`: it would print a hint to --help.
    const message = `${kept} still cannot be stored`;
    note(`realm-ingest: ${message}`);
    throw new CommanderError(exitCodes.failure, 'commander.error', message);
  }
}

async function deleteLetters(keys: string[], options: SelectionOptions, command: Command): Promise<void> {
  requireSelection(keys, options, command);
  await withStore(options.store, 'command', async (store) => {
    for (const key of await selectKeys(store, keys, options)) {
      const { key: wholeKey } = await findLetter(store, key);
      await store.deadLetters.delete(wholeKey);
      await print(`deleted ${wholeKey.slice(0, shortKeyLength)}`);
    }
  });
}

function requireSelection(keys: readonly string[], { all }: SelectionOptions, command: Command): void {
  if (keys.length > 0 === (all === true)) {
    command.error('error: give either keys or --all', { exitCode: exitCodes.usage });
  }
}

async function selectKeys(
  store: Store,
  keys: readonly string[],
  { all }: SelectionOptions,
): Promise<readonly string[]> {
  if (all !== true) return keys;
  const letters: DeadLetterSummary[] = [];
  for await (const letter of store.deadLetters.list()) letters.push(letter);
  return letters.map(({ key }) => key);
}

async function findLetter(store: Store, key: string): Promise<DeadLetter> {
  const letter = await store.deadLetters.find(key);
  if (letter) return letter;
  const shown = JSON.stringify(toPrintable(key));
  throw new CommandError('dead-letter-not-found', `${shown} matches none, or more than one`);
}
