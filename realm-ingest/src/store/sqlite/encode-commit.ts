import { setImmediate } from 'node:timers/promises';
import type { ChangesetDocuments } from '../store.js';
import { documentKey } from '../document-key.js';
import { encodeDocument } from './encode-document.js';
import { jsonFormOf } from './json-form.js';
import type { EncodedChangeset, EncodedDocument } from './worker-messages.js';

/** How long documents are encoded before others get their turn. */
const sliceMillis = 8;

/**
 * Encodes changesets for the store's thread. Documents are made of objects with classes, which do not travel between
 * threads; their JSON does, at little cost. A large upload is encoded in slices, so that the event loop lives. Bytes go
 * along where something is rejected; see {@link addBytes}.
 */
export async function encodeChangesets(
  changesets: readonly ChangesetDocuments[],
): Promise<EncodedChangeset[]> {
  const encoded: EncodedChangeset[] = [];
  let sliceEnd = performance.now() + sliceMillis;
  for (const { clientVersion, bytes, documents, rejections } of changesets) {
    const encodedDocuments: EncodedDocument[] = [];
    for (const { place, className, collection, document } of documents) {
      if (performance.now() > sliceEnd) {
        await setImmediate();
        sliceEnd = performance.now() + sliceMillis;
      }
      const id = document._id;
      if (id === undefined) throw new TypeError('a document without _id');
      const json = encodeDocument(document, jsonFormOf(collection));
      encodedDocuments.push({ place, className, collection, key: documentKey(id), json });
    }
    const sent = rejections.length > 0 ? copy(bytes) : undefined;
    encoded.push({ clientVersion, bytes: sent, documents: encodedDocuments, rejections });
  }
  return encoded;
}

/** What was encoded, now with the bytes of each changeset. */
export function addBytes(
  encoded: readonly EncodedChangeset[],
  changesets: readonly ChangesetDocuments[],
): EncodedChangeset[] {
  return encoded.map((changeset, place) => ({
    ...changeset,
    bytes: copy(changesets[place]?.bytes ?? new Uint8Array()),
  }));
}

/** A view would take the whole message along. */
function copy(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
