/**
 * Telemetry names → document fields: dots nest. Design, "Field names"; comments name its four rules.
 *
 * @module
 */
import { encodeCharacter, memoizeNames } from 'opentelemetry-exporter-realm/wire';
import type { Document, DocumentValue } from '../store/document.js';
import { emptyDocument } from './document-value.js';

/** Rule 4: the rest of a longer name is one segment. */
const maxSegments = 32;

/** Rule 2: the field for the value of `a` beside `a.b`. */
const ownValue = '_value';

/** Rule 3: characters of a segment that are ambiguous to BSON, MongoDB or the decoding of names. */
const toEncode = /[%\0\uD800-\uDFFF]|^\$/gu;

/** A telemetry map as a document. No two names share a field, and no value is lost. */
export function nestNames(entries: Iterable<readonly [name: string, value: DocumentValue]>): Document {
  const root = emptyDocument();
  // Maps that exist because of dots. A map that is a value must not get fields of other names.
  const branches = new Set<DocumentValue>([root]);
  for (const [name, value] of entries) {
    const path = pathOf(name);
    const last = path.length - 1;
    let map = root;
    for (let i = 0; i < last; i++) map = branchAt(map, path[i] ?? '', branches);
    const field = path[last] ?? '';
    const there = map[field];
    if (there !== undefined && branches.has(there)) (there as Document)[ownValue] = value;
    else map[field] = value;
  }
  return root;
}

/** The path of fields for a name, outermost first. */
const pathOf = memoizeNames(toPath, 4096);

function toPath(name: string): readonly string[] {
  const path: string[] = [];
  let rest = name;
  for (let dot = rest.indexOf('.'); dot !== -1; dot = rest.indexOf('.')) {
    if (path.length === maxSegments - 1) break;
    path.push(encodeSegment(rest.slice(0, dot)));
    rest = rest.slice(dot + 1);
  }
  path.push(encodeSegment(rest).replaceAll('.', '%2E'));
  return path;
}

/** Rule 3. */
function encodeSegment(segment: string): string {
  if (segment === '') return '%';
  if (segment === ownValue) return '%5Fvalue';
  if (segment === '__proto__') return '%5F%5Fproto__';
  return segment.replace(toEncode, encodeCharacter);
}

/** The map at a field. A value that is there already moves into the map. */
function branchAt(map: Document, field: string, branches: Set<DocumentValue>): Document {
  const there = map[field];
  if (there !== undefined && branches.has(there)) return there as Document;
  const branch = emptyDocument();
  if (there !== undefined) branch[ownValue] = there;
  branches.add(branch);
  map[field] = branch;
  return branch;
}
