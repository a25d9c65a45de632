/**
 * Telemetry values → document values. Design, "Values": integral numbers become integers; design, "Field names": the keys
 * of maps are decoded, and dots nest.
 *
 * @module
 */
import { Double, Int32 } from 'bson';
import { decodeRealmKey } from 'opentelemetry-exporter-realm/wire';
import type { RealmValue } from '../changeset/realm-value.js';
import type { DocumentValue } from '../store/document.js';
import { claimField } from './claim-field.js';
import { checkLevel, toDocumentValue } from './document-value.js';
import { nestNames } from './field-names.js';

/**
 * An attribute's value, or a body.
 *
 * @param level - the number of collections around the value
 * @throws UnstorableValueError
 */
export function toTelemetryValue(value: RealmValue, level = 0): DocumentValue {
  if (value.type === 'int') return toInteger(value.value);
  if (value.type === 'double' || value.type === 'float') return toNumber(value.value);
  if (value.type === 'list' || value.type === 'set') {
    checkLevel(level);
    return value.values.map((element) => toTelemetryValue(element, level + 1));
  }
  if (value.type === 'dictionary') {
    checkLevel(level);
    return nestNames(decodeEntries(value.entries, level + 1));
  }
  return toDocumentValue(value, level);
}

/**
 * The entries of a dictionary by their decoded names. If two keys have the same name, which our exporters never write, the
 * later one gets a free name.
 *
 * @throws UnstorableValueError
 */
export function decodeEntries(
  entries: ReadonlyMap<string, RealmValue>,
  level: number,
): Map<string, DocumentValue> {
  const decoded = new Map<string, DocumentValue>();
  for (const [key, value] of entries) {
    const name = claimField(decodeRealmKey(key), (candidate) => decoded.has(candidate));
    decoded.set(name, toTelemetryValue(value, level));
  }
  return decoded;
}

/** A 64-bit integer: Int32 if it fits, else Int64. */
function toInteger(value: bigint): Int32 | bigint {
  return BigInt.asIntN(32, value) === value ? new Int32(Number(value)) : value;
}

/** A number: an integer if it is integral within ±(2^53−1), where −0 is 0; else Double. */
export function toNumber(value: number): Int32 | bigint | Double {
  return Number.isSafeInteger(value) ? toInteger(BigInt(value)) : new Double(value);
}
