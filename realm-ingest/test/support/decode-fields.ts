/**
 * The inverse of the field names, written from the design's four rules and not from the code: a map of a document back to
 * the names that it was made of. Maps that were values come back flattened, as the design says.
 */
import assert from 'node:assert/strict';
import type { Document, DocumentValue } from '../../src/store/document.js';

/** The leaves under their names: everything that is no map, and maps without fields. */
export function decodeFields(document: Document): Map<string, DocumentValue> {
  const names = new Map<string, DocumentValue>();
  collect(document, [], names);
  return names;
}

function collect(map: Document, path: readonly string[], names: Map<string, DocumentValue>): void {
  for (const [field, value] of Object.entries(map)) {
    const inner = field === '_value' ? path : [...path, decodeSegment(field)];
    if (isMap(value) && Object.keys(value).length > 0) collect(value, inner, names);
    else {
      const name = inner.join('.');
      assert.ok(!names.has(name), `two fields for ${JSON.stringify(name)}`);
      names.set(name, value);
    }
  }
}

function decodeSegment(segment: string): string {
  if (segment === '%') return '';
  return segment.replace(/%(?:u([0-9A-F]{4})|([0-9A-F]{2}))/g, (_, unit?: string, byte?: string) =>
    String.fromCharCode(parseInt(unit ?? byte ?? '', 16)),
  );
}

function isMap(value: DocumentValue): value is Document {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === null;
}
