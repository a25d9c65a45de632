import { EJSON } from 'bson';
import { openStore } from '../../realm-ingest/src/store/open-store.js';
import type { ClientFile, DeadLetter, DeadLetterSummary, Store } from '../../realm-ingest/src/store/store.js';

/** A document as canonical Extended JSON, parsed as plain JSON; without `ingest`, the server's own. */
export type StoredDocument = Record<string, unknown>;

/** Stores that are open for reading; opening one takes a thread and its time. */
const readers = new Map<string, Promise<Store>>();

/** The documents of a collection, read beside a server that may be running. */
export async function storedDocuments(storeUrl: string, collection: string): Promise<StoredDocument[]> {
  const store = await reader(storeUrl);
  const documents: StoredDocument[] = [];
  for await (const document of store.documents(collection)) {
    const stored = JSON.parse(EJSON.stringify(document, { relaxed: false })) as StoredDocument;
    delete stored.ingest;
    documents.push(stored);
  }
  return documents;
}

/** How many documents a collection holds. */
export async function storedCount(storeUrl: string, collection: string): Promise<number> {
  const store = await reader(storeUrl);
  let count = 0;
  for await (const document of store.documents(collection)) count += Number(document._id !== undefined);
  return count;
}

export async function storedDeadLetters(storeUrl: string): Promise<DeadLetterSummary[]> {
  const store = await reader(storeUrl);
  const letters: DeadLetterSummary[] = [];
  for await (const letter of store.deadLetters.list()) letters.push(letter);
  return letters;
}

export async function storedDeadLetter(storeUrl: string, key: string): Promise<DeadLetter | undefined> {
  return (await reader(storeUrl)).deadLetters.find(key);
}

/** What the store knows of a client file. */
export async function storedClientFile(storeUrl: string, ident: bigint): Promise<ClientFile | undefined> {
  return (await reader(storeUrl)).findClientFile(ident);
}

/** Lets go of a store, before its file is removed. */
export async function closeReader(storeUrl: string): Promise<void> {
  const store = readers.get(storeUrl);
  readers.delete(storeUrl);
  await (await store)?.close();
}

function reader(storeUrl: string): Promise<Store> {
  const store = readers.get(storeUrl) ?? openStore(storeUrl, { mode: 'read' });
  readers.set(storeUrl, store);
  return store;
}
