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
import { fillFromObject, addUnchanged } from './telemetry-object.js';
import { UnstorableValueError } from './unstorable-value-error.js';

/** A document and its collection. */
interface MappedDocument {
  readonly collection: string;
  /** With `_id`; without `ingest`, a name that no other field has. */
  readonly document: Document;
}

/** Why an object can never be stored. */
interface RejectedObject {
  readonly reason: DeadLetterReason;
  readonly detail: string;
}

export interface DocumentMapper {
  /** Never throws. */
  toDocument(object: RealmObject): MappedDocument | RejectedObject;
}

/** The field that the server itself adds to every document. */
const isReserved = (name: string): boolean => name === 'ingest';

/**
 * Creates the mapper of one server.
 *
 * @param options.classPrefix - prefix of our own classes, which are always admitted
 * @param options.admittedClasses - other classes, whose objects are stored unchanged
 * @param options.collectionOf - the collection of a stored class; default: the class's name
 * @throws InvalidOptionError if no Realm class can have the prefix
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
        detail: `class ${JSON.stringify(className)} is neither a telemetry class nor admitted`,
      };
    }
    const document = emptyDocument();
    document._id = toScalar(primaryKey);
    if (fields !== undefined) fillFromObject(document, properties, fields, isReserved);
    else for (const [name, value] of properties) addUnchanged(document, name, value, isReserved);
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
