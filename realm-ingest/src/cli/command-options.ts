/**
 * Options that several commands take, and how their texts are read.
 *
 * @module
 */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseDurationSeconds } from 'opentelemetry-exporter-realm/wire';
import { openStore } from '../store/open-store.js';
import type { Store, StoreMode } from '../store/store.js';

/** Of every command. */
export interface StoreOption {
  readonly store: string;
}

/** Of commands that make documents of changesets. */
export interface ClassOptions {
  readonly classes?: string[];
  readonly classPrefix?: string;
  readonly collections?: Readonly<Record<string, string>>;
}

/** A connection string may hold a password, and arguments are there for every user of the machine to see: hence the variable. */
export function addStoreOption(command: Command): Command {
  return command.addOption(
    new Option('--store <url>', 'where documents are kept: sqlite:PATH or mongodb://HOST/DATABASE')
      .env('REALM_INGEST_STORE')
      .makeOptionMandatory(),
  );
}

export function addClassOptions(command: Command): Command {
  return command
    .option('--classes <A,B>', 'asymmetric classes that are stored besides our own', parseList)
    .option('--class-prefix <prefix>', 'prefix of our own classes, as in the exporters')
    .option(
      '--collections <Span=traces,…>',
      'MongoDB collections that are not to be called as their classes',
      parseNames,
    );
}

/** A whole number, for commander. */
export function parseInteger(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It is a whole number.');
  return Number(text);
}

/** `30d`, `12h`, `90m`, `45s` as seconds, for commander. */
export function parseSeconds(text: string): number {
  const seconds = parseDurationSeconds(text);
  if (seconds === undefined)
    throw new InvalidArgumentError('It is a number and its unit: 30d, 12h, 90m or 45s.');
  return seconds;
}

/** Runs `work` with a store that is open, and closes it whatever comes. */
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
export function parseNames(text: string): Readonly<Record<string, string>> {
  const names = new Map<string, string>();
  for (const entry of parseList(text)) {
    const [, className = '', name = ''] = /^([^=]+)=(.+)$/.exec(entry) ?? [];
    if (className === '')
      throw new InvalidArgumentError('It is CLASS=COLLECTION, and more of them after commas.');
    if (names.has(className)) throw new InvalidArgumentError(`${className} is there twice.`);
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
