/**
 * Compares what Kotlin clients report to have written with the stored documents.
 *
 * @module
 */
import { EJSON } from 'bson';
import type { KotlinClient } from './kotlin-client.js';
import type { StoredDocument } from './stored.js';

/**
 * What clients say that they wrote, in the form in which it is stored: an empty list is not sent, hence absent; and
 * Java writes doubles in other digits.
 */
export function written(...clients: KotlinClient[]): StoredDocument[] {
  return byId(
    clients
      .flatMap((client) => client.lines)
      .map((line) => EJSON.stringify(EJSON.parse(line, { relaxed: false }), { relaxed: false }))
      .map((line) => withoutEmptyLists(JSON.parse(line)) as StoredDocument),
  );
}

/** The lists and sets of classes; an empty list inside a `mixed` is sent, and stored. */
const listProperties = new Set(['tags', 's_codes', 'steps', 'counts']);

function withoutEmptyLists(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmptyLists);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(
    ([name, part]) => !(listProperties.has(name) && Array.isArray(part) && part.length === 0),
  );
  return Object.fromEntries(kept.map(([name, part]) => [name, withoutEmptyLists(part)]));
}

/** In the order of their `_id`s; sorts in place. */
export function byId(documents: StoredDocument[]): StoredDocument[] {
  return documents.sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
}

/** For comparisons. */
export function idOf(document: StoredDocument): string {
  return JSON.stringify(document._id);
}
