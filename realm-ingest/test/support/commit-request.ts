import type { Document, DocumentValue } from '../../src/store/document.js';
import type {
  ChangesetDocuments,
  ClientFile,
  CommitRequest,
  PlacedDocument,
  Rejection,
} from '../../src/store/store.js';

/** A map as documents have it, without a prototype. */
export function map(fields: Record<string, DocumentValue>): Document {
  return Object.assign(Object.create(null) as Document, fields);
}

export const receivedAt = new Date('2026-03-01T12:00:00.123Z');

export const file: ClientFile = {
  ident: 2n ** 62n - 1n,
  salt: 2n ** 63n - 1n,
  userId: 'anon-5f0c',
  clientVersion: 7n,
  serverVersion: 1n,
};

/** Part of the result of a commit that set nothing aside. */
export const noLetters = { deadLetters: [] };

export function placed(document: Document, collection = 'Span', place = 0): PlacedDocument {
  return { place, className: collection, collection, document };
}

/** A changeset whose bytes are its number, unless they are given. */
export function changeset(
  number: number,
  documents: readonly PlacedDocument[],
  rejections: readonly Rejection[] = [],
  bytes: Uint8Array = new Uint8Array([0xc5, number]),
): ChangesetDocuments {
  return { clientVersion: BigInt(number), bytes, documents, rejections };
}

export function request(changesets: readonly ChangesetDocuments[], ofFile: ClientFile = file): CommitRequest {
  return { appId: 'app', file: ofFile, receivedAt, changesets };
}

/** One changeset of documents of one collection, placed in order. */
export function upload(
  documents: readonly Document[],
  collection = 'Span',
  bytes?: Uint8Array,
): CommitRequest {
  return request([
    changeset(
      1,
      documents.map((document, place) => placed(document, collection, place)),
      [],
      bytes,
    ),
  ]);
}

/** One changeset that is rejected as a whole. */
export function badChangeset(bytes: Uint8Array): CommitRequest {
  return request([changeset(1, [], [{ reason: 'bad-changeset', detail: 'at offset 0' }], bytes)]);
}

export async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of iterable) values.push(value);
  return values;
}
