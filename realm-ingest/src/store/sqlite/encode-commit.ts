import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ChangesetDocuments } from '../store.js';
import { documentKey } from '../document-key.js';
import { encodeDocument } from './encode-document.js';
import { jsonFormOf } from './json-form.js';
import type { EncodedChangeset, EncodedDocument } from './worker-messages.js';

/** How long documents are encoded before the event loop continues. */
const sliceMillis = 8;

/**
 * Encodes changesets for the store's thread. Documents contain class instances, which cannot be sent between threads; their
 * JSON can, at little cost. A large upload is encoded in slices, so that it does not block the event loop. A changeset with
 * rejections gets its bytes here; see {@link addBytes} for others.
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
        await nextTurn();
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

/** Adds the bytes of each changeset. */
export function addBytes(
  encoded: readonly EncodedChangeset[],
  changesets: readonly ChangesetDocuments[],
): EncodedChangeset[] {
  return encoded.map((changeset, index) => ({
    ...changeset,
    bytes: copy(changesets[index]?.bytes ?? new Uint8Array()),
  }));
}

/** Sending a view would send the whole message. */
function copy(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
