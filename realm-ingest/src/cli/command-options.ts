/**
 * Options that several commands share, and their parsers.
 *
 * @module
 */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseDurationSeconds } from 'opentelemetry-exporter-realm/wire';
import { openStore } from '../store/open-store.js';
import type { Store, StoreMode } from '../store/store.js';

/** Options of every command. */
export interface StoreOption {
  readonly store: string;
}

/** Options of commands that turn changesets into documents. */
export interface ClassOptions {
  readonly classes?: string[];
  readonly classPrefix?: string;
  readonly collections?: Readonly<Record<string, string>>;
}

/** The environment can give the URL too: every user of the machine can see arguments, and a URL may hold a password. */
export function addStoreOption(command: Command): Command {
  return command.addOption(
    new Option('--store <url>', 'the store: sqlite:PATH or mongodb://HOST/DATABASE')
      .env('REALM_INGEST_STORE')
      .makeOptionMandatory(),
  );
}

export function addClassOptions(command: Command): Command {
  return command
    .option('--classes <A,B>', 'also store these asymmetric classes', parseList)
    .option('--class-prefix <prefix>', 'prefix of the telemetry classes, as in the exporters')
    .option(
      '--collections <Span=traces,…>',
      'MongoDB: names of collections, if they differ from the classes',
      parseNames,
    );
}

/** A whole number, for commander. */
export function parseInteger(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** `30d`, `12h`, `90m`, `45s` as seconds, for commander. */
export function parseSeconds(text: string): number {
  const seconds = parseDurationSeconds(text);
  if (seconds === undefined) {
    throw new InvalidArgumentError('It must be a number with a unit, such as 30d, 12h, 90m or 45s.');
  }
  return seconds;
}

/** Opens a store, runs `work` with it, and closes it in any case. */
export async function withStore<Result>(
  url: string,
  mode: StoreMode,
  work: (store: Store) => Promise<Result>,
  { classes, classPrefix, collections }: ClassOptions = {},
): Promise<Result> {
  const store = await openStore(url, { mode, classes, classPrefix, collections });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** `Span=traces,LogRecord=logs` as names by class, for commander. */
function parseNames(text: string): Readonly<Record<string, string>> {
  const names = new Map<string, string>();
  for (const entry of parseList(text)) {
    const [, className = '', name = ''] = /^([^=]+)=(.+)$/.exec(entry) ?? [];
    if (className === '') {
      throw new InvalidArgumentError('It must be CLASS=COLLECTION, several separated by commas.');
    }
    if (names.has(className)) throw new InvalidArgumentError(`${className} is given twice.`);
    names.set(className, name);
  }
  return Object.fromEntries(names);
}

function parseList(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}
