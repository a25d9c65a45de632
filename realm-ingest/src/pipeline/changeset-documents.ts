/**
 * A changeset's bytes → documents, and rejections of what cannot be stored.
 *
 * Source: design, rules of delivery 6 and 7.
 *
 * @module
 */
import { setImmediate } from 'node:timers/promises';
import { ObjectAssembler } from '../changeset/assemble-objects.js';
import { ChangesetError } from '../changeset/changeset-error.js';
import { parseChangeset } from '../changeset/parse-changeset.js';
import type { RealmObject } from '../changeset/realm-value.js';
import type { Logger } from '../logger.js';
import type { UploadedChangeset } from '../protocol/messages.js';
import type { StoredClasses } from '../store/collection-names.js';
import { measureDocument } from '../store/document-limits.js';
import type { Document } from '../store/document.js';
import type { ChangesetDocuments, DeadLetterReason, PlacedDocument, Rejection } from '../store/store.js';
import { createDocumentMapper } from '../telemetry/document-mapper.js';
import { checkStoredClasses } from './stored-classes.js';

interface Mapped {
  readonly collection: string;
  readonly document: Document;
}

interface Unmapped {
  readonly reason: DeadLetterReason;
  readonly detail: string;
}

/** An object as a document in its collection, or why it cannot be stored. */
export type MappedObject = Mapped | Unmapped;

/**
 * Creates the converter of one server.
 *
 * @throws InvalidOptionError for a prefix, class or collection that is not usable
 */
export function createChangesetConverter(
  options: StoredClasses & { readonly logger: Logger },
): ChangesetConverter {
  const { classPrefix = '', classes = [], logger } = options;
  const names = checkStoredClasses(options);
  const collectionOf = (className: string): string => names.of(className);
  const mapper = createDocumentMapper({ classPrefix, admittedClasses: classes, collectionOf });
  return new ChangesetConverter({ toDocument: (object) => mapper.toDocument(object), logger });
}

export interface ChangesetConverterOptions {
  readonly toDocument: (object: RealmObject) => MappedObject;
  readonly logger: Logger;
}

/** A changeset, from an upload or from a dead letter. */
export type ChangesetSource = Pick<UploadedChangeset, 'clientVersion' | 'originFileIdent' | 'bytes'>;

/** A part of a changeset's documents and rejections. */
export interface ConvertedPart extends ChangesetDocuments {
  /** About the BSON bytes of its documents. As JavaScript objects they take a multiple. */
  readonly weight: number;
}

/** How long conversion may block the event loop, in milliseconds: PONGs and other clients wait meanwhile. */
const sliceMillis = 10;

/** Reading the clock costs more than an instruction. */
const instructionsPerClockRead = 256;

/** Weight of a rejection, and of a document in addition to its BSON. */
const entryWeight = 128;

/**
 * Makes documents of changesets. What can never be stored becomes a rejection: an object if possible, else the whole
 * changeset. It never throws because of a changeset: its client would send the changeset again for ever.
 */
export class ChangesetConverter {
  readonly #options: ChangesetConverterOptions;
  #sliceBegan = 0;

  constructor(options: ChangesetConverterOptions) {
    this.#options = options;
  }

  /**
   * Converts a whole changeset at once.
   *
   * @param receivedAt - goes into each document's `ingest`
   */
  async convert(changeset: ChangesetSource, receivedAt: Date): Promise<ChangesetDocuments> {
    const { clientVersion, bytes } = changeset;
    for await (const { documents, rejections } of this.convertInParts(changeset, receivedAt, Infinity)) {
      return { clientVersion, bytes, documents, rejections };
    }
    throw new Error('a changeset has at least one part');
  }

  /**
   * Converts a changeset in parts of about `partWeight`, in wire order; at least one. So a large changeset is never in
   * memory as a whole as objects and documents, which take twenty times its size. It is read twice, so that a changeset
   * with an error further on is rejected as a whole.
   *
   * @param receivedAt - goes into each document's `ingest`
   */
  async *convertInParts(
    changeset: ChangesetSource,
    receivedAt: Date,
    partWeight: number,
  ): AsyncGenerator<ConvertedPart, void, undefined> {
    const { clientVersion, bytes } = changeset;
    const objects = await this.#open(changeset, partWeight);
    let part = createPart();
    if ('reason' in objects) {
      part.rejections.push(objects);
    } else {
      for await (const some of objects.inOrder) {
        for (const object of some) {
          await this.#yieldIfDue();
          this.#add(object, receivedAt, part);
          if (part.weight < partWeight) continue;
          yield { clientVersion, bytes, ...part };
          part = createPart();
        }
      }
    }
    yield { clientVersion, bytes, ...part };
  }

  /** The objects of a changeset, or why the whole changeset is rejected. */
  async #open({ bytes, originFileIdent }: ChangesetSource, partWeight: number): Promise<Objects | Rejection> {
    if (originFileIdent !== 0n) {
      const detail = `origin_file_ident is ${originFileIdent}; a client's own changesets have 0`;
      return { reason: 'bad-changeset', detail };
    }
    try {
      const isLarge = bytes.length > partWeight;
      if (isLarge && (await this.#isWrittenInOrder(bytes))) return { inOrder: this.#read(bytes, true) };
      const all: (readonly RealmObject[])[] = [];
      for await (const some of this.#read(bytes, false)) all.push(some);
      return { inOrder: all };
    } catch (error) {
      if (error instanceof ChangesetError) return { reason: error.reason, detail: error.message };
      this.#logFault(error);
      return { reason: 'bad-changeset', detail: `cannot be read: ${String(error)}` };
    }
  }

  /**
   * Whether each object is complete soon after its creation, as in every changeset that clients were seen to send. If not,
   * or if there is an unexpected instruction, the objects are assembled all together.
   *
   * @throws ChangesetError if the bytes are no changeset
   */
  async #isWrittenInOrder(bytes: Uint8Array): Promise<boolean> {
    try {
      const objects = this.#read(bytes, true);
      while ((await objects.next()).done !== true);
      return true;
    } catch (error) {
      if (error instanceof ChangesetError && error.reason === 'unexpected-instruction') return false;
      throw error;
    }
  }

  /** @param isInOrder - whether complete objects are yielded before the end: see `ObjectAssembler.takeCompleted` */
  async *#read(bytes: Uint8Array, isInOrder: boolean): AsyncGenerator<readonly RealmObject[]> {
    const assembler = new ObjectAssembler();
    let instructions = 0;
    for (const instruction of parseChangeset(bytes)) {
      assembler.add(instruction);
      instructions += 1;
      if (instructions % instructionsPerClockRead > 0) continue;
      await this.#yieldIfDue();
      if (isInOrder) yield assembler.takeCompleted();
    }
    yield assembler.finish();
  }

  #add(object: RealmObject, receivedAt: Date, part: Part): void {
    const { place, className } = object;
    const mapped = this.#map(object, receivedAt);
    part.weight += entryWeight;
    if ('reason' in mapped) {
      part.rejections.push({ place, className, ...mapped });
    } else {
      const { bytes, ...document } = mapped;
      part.documents.push({ place, className, ...document });
      part.weight += bytes;
    }
  }

  #map(object: RealmObject, receivedAt: Date): (Mapped & { readonly bytes: number }) | Unmapped {
    try {
      const mapped = this.#options.toDocument(object);
      if ('reason' in mapped) return { reason: mapped.reason, detail: mapped.detail };
      const { collection, document } = mapped;
      document.ingest = Object.assign(Object.create(null) as Document, { receivedAt });
      const bytes = measureDocument(document);
      return typeof bytes === 'number' ? { collection, document, bytes } : bytes;
    } catch (error) {
      // A bug of ours sets one object aside, and the rest is stored. After the fix: `dead-letters retry`.
      this.#logFault(error);
      return { reason: 'unstorable-value', detail: `cannot be converted: ${String(error)}` };
    }
  }

  #logFault(error: unknown): void {
    this.#options.logger.error(
      { err: error },
      'converting a changeset failed with an exception; the object or the changeset becomes a dead letter',
    );
  }

  async #yieldIfDue(): Promise<void> {
    const now = performance.now();
    if (now - this.#sliceBegan < sliceMillis) return;
    await setImmediate();
    this.#sliceBegan = performance.now();
  }
}

/** The objects of a changeset, some at a time. */
interface Objects {
  readonly inOrder: AsyncIterable<readonly RealmObject[]> | Iterable<readonly RealmObject[]>;
}

/** A part that is being filled. */
interface Part {
  readonly documents: PlacedDocument[];
  readonly rejections: Rejection[];
  weight: number;
}

function createPart(): Part {
  return { documents: [], rejections: [], weight: 0 };
}
