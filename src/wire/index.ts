/**
 * What the exporters and a server that stores their records agree on: Realm classes and properties, names as keys of Realm
 * dictionaries, and numbers inside arrays and maps. Both packages also share their errors' base and the form of durations.
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
