import { isDeepStrictEqual } from 'node:util';
import type { ExpectedRecord } from './clients/expected-record.js';
import type { StoreContents } from './server/messages.js';

/** The collections that fault runs write to. */
export const collections = ['Span', 'LogRecord', 'Note'] as const;

/** The result of comparing the recorded with the stored records. */
export interface Verdict {
  /** Records that are not in the store. */
  readonly lost: number;
  /** Documents beyond one for a record. */
  readonly duplicated: number;
  /** Documents that are not what was recorded, or that nobody recorded. */
  readonly corrupted: number;
  readonly deadLetters: number;
  /** The first few of them, in words. */
  readonly examples: readonly string[];
}

type Stored = Record<string, unknown>;

/** How many examples are of use. */
const maxExamples = 5;

/** Compares every field of every document. */
export function judge(expected: readonly ExpectedRecord[], contents: StoreContents): Verdict {
  const examples: string[] = contents.deadLetters.slice(0, maxExamples).map((line) => `dead letter: ${line}`);
  const say = (line: string): void => {
    if (examples.length < maxExamples) examples.push(line);
  };
  let [lost, duplicated, corrupted] = [0, 0, 0];
  for (const collection of collections) {
    const stored = index(collection, contents.documents[collection] ?? []);
    for (const record of expected) {
      if (record.collection !== collection) continue;
      const documents = stored.get(record.key) ?? [];
      stored.delete(record.key);
      if (documents.length === 0) {
        lost += 1;
        say(`lost: ${collection} ${record.key}`);
      }
      if (documents.length > 1) {
        duplicated += documents.length - 1;
        say(`duplicated: ${collection} ${record.key}, ${documents.length} times`);
      }
      for (const document of documents) {
        if (isDeepStrictEqual(document, plain(record.document))) continue;
        corrupted += 1;
        say(`corrupted: ${collection} ${record.key}: ${show(document)} in place of ${show(record.document)}`);
      }
    }
    for (const [key, documents] of stored) {
      corrupted += documents.length;
      say(`nobody recorded: ${collection} ${key}: ${show(documents[0])}`);
    }
  }
  return { lost, duplicated, corrupted, deadLetters: contents.deadLetters.length, examples };
}

/** Documents by the key of their record, without `ingest`, and without an `_id` that the exporter gave. */
function index(collection: string, lines: readonly string[]): Map<string, Stored[]> {
  const byKey = new Map<string, Stored[]>();
  for (const line of lines) {
    const { _id, ingest, ...document } = JSON.parse(line) as Stored;
    // Every document says when the server received it.
    if (ingest === undefined) document.ingest = 'missing';
    const key = keyOf(document) ?? JSON.stringify(_id);
    if (collection === 'Note') document._id = _id; // the client's own
    const others = byKey.get(key);
    if (others) others.push(document);
    else byKey.set(key, [document]);
  }
  return byKey;
}

/** The key of a stored record; undefined if the record is not from this run. */
function keyOf(document: Stored): string | undefined {
  const { key: own, attributes } = document as {
    key?: unknown;
    attributes?: { record?: { key?: unknown } };
  };
  const key = own ?? attributes?.record?.key;
  return typeof key === 'string' ? key : undefined;
}

/** As JSON has it: maps of plain prototypes, nothing that is undefined. */
function plain(document: unknown): unknown {
  return JSON.parse(JSON.stringify(document));
}

function show(document: unknown): string {
  return JSON.stringify(document).slice(0, 2000);
}
