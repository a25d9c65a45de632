/**
 * From a changeset's bytes to what is committed of it.
 *
 * Source: design, rules of delivery 6 and 7.
 *
 * @module
 */
import { ObjectAssembler } from '../changeset/assemble-objects.js';
import { ChangesetError } from '../changeset/changeset-error.js';
import { parseChangeset } from '../changeset/parse-changeset.js';
import type { RealmObject } from '../changeset/realm-value.js';
import type { Logger } from '../logger.js';
import type { UploadedChangeset } from '../protocol/messages.js';
import { resolveCollectionNames, type StoredClasses } from '../store/collection-names.js';
import { findUnstorable } from '../store/document-limits.js';
import type { Document } from '../store/document.js';
import type { ChangesetDocuments, DeadLetterReason, PlacedDocument, Rejection } from '../store/store.js';
import { createDocumentMapper } from '../telemetry/document-mapper.js';

/** An object as a document in its collection, or why it can be none. */
export type MappedObject =
  | { readonly collection: string; readonly document: Document }
  | { readonly reason: DeadLetterReason; readonly detail: string };

/**
 * Creates the converter of one server.
 *
 * @throws InvalidOptionError for a prefix or a collection's name that cannot be
 */
export function createChangesetConverter(
  options: StoredClasses & { readonly logger: Logger },
): ChangesetConverter {
  const { classPrefix = '', classes = [], logger } = options;
  const names = resolveCollectionNames(options);
  const collectionOf = (className: string): string => names.of(className);
  const mapper = createDocumentMapper({ classPrefix, admittedClasses: classes, collectionOf });
  return new ChangesetConverter({ toDocument: (object) => mapper.toDocument(object), logger });
}

export interface ChangesetConverterOptions {
  readonly toDocument: (object: RealmObject) => MappedObject;
  readonly logger: Logger;
}

/** What a changeset is converted from: as uploaded, or as a dead letter kept it. */
export type ChangesetSource = Pick<UploadedChangeset, 'clientVersion' | 'originFileIdent' | 'bytes'>;

/** How long conversion may keep the event loop to itself, milliseconds: PONGs and other clients wait meanwhile. */
const sliceMillis = 10;

/** The clock costs more than an instruction does. */
const instructionsBetweenLooks = 256;

/**
 * Makes documents of changesets. What can never be stored becomes a rejection, an object at a time where possible; it
 * never rejects: a client would send the same changeset again for ever.
 */
export class ChangesetConverter {
  readonly #options: ChangesetConverterOptions;
  #sliceBegan = 0;

  constructor(options: ChangesetConverterOptions) {
    this.#options = options;
  }

  /** @param receivedAt - goes into each document's `ingest` */
  async convert(changeset: ChangesetSource, receivedAt: Date): Promise<ChangesetDocuments> {
    const { clientVersion, bytes, originFileIdent } = changeset;
    const documents: PlacedDocument[] = [];
    const rejections: Rejection[] = [];
    const whole = (reason: DeadLetterReason, detail: string): ChangesetDocuments => ({
      clientVersion,
      bytes,
      documents: [],
      rejections: [{ reason, detail }],
    });
    if (originFileIdent !== 0n) {
      return whole(
        'bad-changeset',
        `origin_file_ident is ${originFileIdent}; a client's own changesets have 0`,
      );
    }
    let objects: readonly RealmObject[];
    try {
      objects = await this.#assemble(bytes);
    } catch (error) {
      if (error instanceof ChangesetError) return whole(error.reason, error.message);
      this.#logFault(error);
      return whole('bad-changeset', `cannot be read: ${String(error)}`);
    }
    for (const object of objects) {
      await this.#breathe();
      const { place, className } = object;
      const mapped = this.#map(object, receivedAt);
      if ('reason' in mapped) rejections.push({ place, className, ...mapped });
      else documents.push({ place, className, ...mapped });
    }
    return { clientVersion, bytes, documents, rejections };
  }

  async #assemble(bytes: Uint8Array): Promise<readonly RealmObject[]> {
    const assembler = new ObjectAssembler();
    let instructions = 0;
    for (const instruction of parseChangeset(bytes)) {
      assembler.add(instruction);
      instructions += 1;
      if (instructions % instructionsBetweenLooks === 0) await this.#breathe();
    }
    return assembler.finish().objects;
  }

  #map(object: RealmObject, receivedAt: Date): MappedObject {
    try {
      const mapped = this.#options.toDocument(object);
      if ('reason' in mapped) return { reason: mapped.reason, detail: mapped.detail };
      const { collection, document } = mapped;
      document.ingest = Object.assign(Object.create(null) as Document, { receivedAt });
      return findUnstorable(document) ?? { collection, document };
    } catch (error) {
      // A fault of ours costs one object a detour, not its client the rest: `dead-letters retry` once it is mended.
      this.#logFault(error);
      return { reason: 'unstorable-value', detail: `cannot be converted: ${String(error)}` };
    }
  }

  #logFault(error: unknown): void {
    this.#options.logger.error({ err: error }, 'a changeset met a fault of the server; it was set aside');
  }

  async #breathe(): Promise<void> {
    const now = performance.now();
    if (now - this.#sliceBegan < sliceMillis) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#sliceBegan = performance.now();
  }
}
