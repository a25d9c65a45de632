/**
 * Names of telemetry as fields of documents: dots nest. Design, "Field names"; its four rules are named where they apply.
 *
 * @module
 */
import { encodeCharacter, memoizeNames } from 'opentelemetry-exporter-realm/wire';
import type { Document, DocumentValue } from '../store/document.js';
import { emptyDocument } from './document-value.js';

/** Rule 4: a name of more segments keeps its rest together. */
const maxSegments = 32;

/** Rule 2: where the value of `a` goes beside `a.b`. */
const ownValue = '_value';

/** Rule 3, within a segment: what BSON, MongoDB or the decoding of names could not tell from something else. */
const toEncode = /[%\0\uD800-\uDFFF]|^\$/gu;

/** A map of telemetry as a document. No two names share a field, and none is lost. */
export function nestNames(entries: Iterable<readonly [name: string, value: DocumentValue]>): Document {
  const root = emptyDocument();
  // Maps that are there for the sake of dots; a map that is a value must not be written into.
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

/** The fields, from the outermost in, that a name stands for. */
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

/** The map at a field, which a value that stands there already moves into. */
function branchAt(map: Document, field: string, branches: Set<DocumentValue>): Document {
  const there = map[field];
  if (there !== undefined && branches.has(there)) return there as Document;
  const branch = emptyDocument();
  if (there !== undefined) branch[ownValue] = there;
  branches.add(branch);
  map[field] = branch;
  return branch;
}
