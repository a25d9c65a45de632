/**
 * What the exporters and whatever ingests their records agree on: the Realm classes and their properties, names as keys of
 * Realm dictionaries, numbers inside arrays and maps; and how both packages state errors and lengths of time.
 *
 * Class and property names never change, and properties are never removed: devices come back after months.
 *
 * @packageDocumentation
 */
export { parseDurationSeconds } from './duration.js';
export { bigintToExtendedJson, maxCollectionLevels, numberToExtendedJson } from './extended-json-number.js';
export { memoizeNames } from './memoize-names.js';
export { decodeRealmKey, encodeCharacter, encodeRealmKey } from './realm-key.js';
export { classNamesFor, schemasFor, type ClassNames, type RecordSchema } from './schema.js';
export {
  InvalidOptionError,
  RealmTelemetryError,
  sharedErrors,
  type ErrorEntry,
  type ErrorLevel,
} from './telemetry-error.js';
