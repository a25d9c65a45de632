/**
 * Objects of asymmetric classes → documents.
 *
 * @module
 */
import { classNamesFor } from 'opentelemetry-exporter-realm/wire';
import type { RealmObject } from '../changeset/realm-value.js';
import type { Document } from '../store/document.js';
import type { DeadLetterReason } from '../store/store.js';
import { emptyDocument, toScalar } from './document-value.js';
import { logRecordFields, spanFields, type TelemetryFields } from './telemetry-fields.js';
import { fillFromObject, putAsItCame } from './telemetry-object.js';
import { UnstorableValueError } from './unstorable-value-error.js';

/** A document and where it belongs. */
export interface MappedDocument {
  readonly collection: string;
  /** With `_id`; without `ingest`, whose place nothing else takes. */
  readonly document: Document;
}

/** Why an object can never be stored. */
export interface RejectedObject {
  readonly reason: DeadLetterReason;
  readonly detail: string;
}

export interface DocumentMapper {
  /** Never throws. */
  toDocument(object: RealmObject): MappedDocument | RejectedObject;
}

/** What the server itself writes into every document. */
const isReserved = (name: string): boolean => name === 'ingest';

/**
 * Creates the mapper of one server.
 *
 * @param options.classPrefix - of our own classes, which are always admitted
 * @param options.admittedClasses - others, whose objects are stored as they come
 * @param options.collectionOf - the collection of a class that is stored; default: one of the class's name as it came
 * @throws InvalidOptionError for a prefix that no Realm class could begin with
 */
export function createDocumentMapper(options: {
  readonly classPrefix?: string;
  readonly admittedClasses: readonly string[];
  readonly collectionOf?: (className: string) => string;
}): DocumentMapper {
  const names = classNamesFor(options.classPrefix);
  const ours = new Map<string, TelemetryFields>([
    [names.span, spanFields],
    [names.logRecord, logRecordFields],
  ]);
  const admitted = new Set(options.admittedClasses);
  const collectionOf = options.collectionOf ?? ((className) => className);

  function map(object: RealmObject): MappedDocument | RejectedObject {
    const { className, primaryKey, properties } = object;
    const fields = ours.get(className);
    if (fields === undefined && !admitted.has(className)) {
      return {
        reason: 'class-not-admitted',
        detail: `class ${JSON.stringify(className)} is neither ours nor among the classes admitted`,
      };
    }
    const document = emptyDocument();
    document._id = toScalar(primaryKey);
    if (fields !== undefined) fillFromObject(document, properties, fields, isReserved);
    else for (const [name, value] of properties) putAsItCame(document, name, value, isReserved);
    return { collection: collectionOf(className), document };
  }

  return {
    toDocument(object) {
      try {
        return map(object);
      } catch (error) {
        if (error instanceof UnstorableValueError) return { reason: error.reason, detail: error.message };
        throw error;
      }
    },
  };
}
