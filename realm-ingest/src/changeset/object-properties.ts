/**
 * Applies one instruction to the properties of the object that it addresses.
 *
 * Source: sync protocol, sections 9.3, 10.1 and 10.4.
 *
 * @module
 */
import { ChangesetError } from './changeset-error.js';
import type { ArrayInsert, Clear, Instruction, SetInsert, Update } from './instruction.js';
import type { RealmScalar } from './realm-value.js';
import { valueKey } from './value-key.js';

/** An object's or embedded object's properties, while they are being collected. */
export interface ObjectNode {
  readonly type: 'object';
  readonly properties: Map<string, Node>;
}

interface ListNode {
  readonly type: 'list';
  readonly values: Node[];
}

interface SetNode {
  readonly type: 'set';
  readonly values: Node[];
}

interface DictionaryNode {
  readonly type: 'dictionary';
  readonly entries: Map<string, Node>;
}

/** A `RealmValue` that can still be added to. */
type Node = RealmScalar | ObjectNode | ListNode | SetNode | DictionaryNode;

/** The instructions that inserts are made of. */
export type FieldInstruction = Update | ArrayInsert | Clear | SetInsert;

/** Nested deeper than any store holds (100 levels), and shallow enough for whoever walks objects by recursion. */
const maxPathElements = 500;
const maxQuotedLength = 60;

/** The elements that a set holds already, so that a repetition is found without a search. */
const elementKeys = new WeakMap<SetNode, Set<string>>();

/**
 * Applies an instruction. Any but ArrayInsert may come twice.
 *
 * Collections that are properties of an object begin with their first element, for nothing announces them; those
 * inside a collection, and embedded objects, begin with their marker.
 *
 * @throws {@link ChangesetError} `unexpected-instruction` where the place does not exist, or is of another kind
 */
export function applyToProperties(root: ObjectNode, instruction: FieldInstruction): void {
  if (instruction.path.length > maxPathElements) {
    throw unexpected(instruction, `with a path of ${instruction.path.length} elements`);
  }
  const { parent, place } = locate(root, instruction);
  switch (instruction.type) {
    case 'Update':
      applyUpdate(parent, place, instruction);
      return;
    case 'ArrayInsert':
      applyArrayInsert(parent, place, instruction);
      return;
    case 'SetInsert':
      applySetInsert(parent, place, instruction);
      return;
    case 'Clear':
      applyClear(parent, place, instruction);
  }
}

/**
 * Follows the field and the path up to the place that the last of them names. A collection that is a property begins
 * on the way, as what stands behind it in the path wants it.
 */
function locate(root: ObjectNode, instruction: FieldInstruction): { parent: Node; place: string | number } {
  let parent: Node = root;
  let place: string | number = instruction.field;
  for (const next of instruction.path) {
    parent =
      childOf(parent, place) ??
      begin(instruction, parent, place, typeof next === 'number' ? 'list' : 'dictionary');
    place = next;
  }
  return { parent, place };
}

function childOf(node: Node, place: string | number): Node | undefined {
  if (typeof place === 'number') return node.type === 'list' ? node.values[place] : undefined;
  if (node.type === 'object') return node.properties.get(place);
  return node.type === 'dictionary' ? node.entries.get(place) : undefined;
}

function begin(
  instruction: FieldInstruction,
  parent: Node,
  place: string | number,
  type: 'list' | 'dictionary' | 'set',
): Node {
  if (parent.type !== 'object' || typeof place !== 'string') {
    throw unexpected(instruction, `inside ${quote(place)}, which is not there`);
  }
  const collection: Node = type === 'dictionary' ? { type, entries: new Map() } : { type, values: [] };
  parent.properties.set(place, collection);
  return collection;
}

/** Sets a property, a dictionary's entry, or an element that a list has already. */
function applyUpdate(parent: Node, place: string | number, instruction: Update): void {
  const value = toNode(instruction);
  if (typeof place === 'string' && parent.type === 'object') {
    parent.properties.set(place, value);
  } else if (typeof place === 'string' && parent.type === 'dictionary') {
    parent.entries.set(place, value);
  } else if (typeof place === 'number' && parent.type === 'list' && place < parent.values.length) {
    checkPriorSize(parent, instruction);
    parent.values[place] = value;
  } else {
    throw unexpected(instruction, `of ${quote(place)} in a ${parent.type}`);
  }
}

/** Appends: nobody inserts in the middle of a list that is only just being made. */
function applyArrayInsert(parent: Node, place: string | number, instruction: ArrayInsert): void {
  if (parent.type !== 'list') throw unexpected(instruction, `into a ${parent.type}`);
  checkPriorSize(parent, instruction);
  if (place !== parent.values.length) {
    throw unexpected(instruction, `at ${place} of a list of ${parent.values.length}`);
  }
  parent.values.push(toNode(instruction));
}

function checkPriorSize(list: ListNode, instruction: Update | ArrayInsert): void {
  if (instruction.priorSize === list.values.length) return;
  throw unexpected(
    instruction,
    `with prior size ${instruction.priorSize ?? ''} of a list of ${list.values.length}`,
  );
}

/** Adds an element, unless an equal one is there. */
function applySetInsert(parent: Node, place: string | number, instruction: SetInsert): void {
  const set = childOf(parent, place) ?? begin(instruction, parent, place, 'set');
  if (set.type !== 'set') throw unexpected(instruction, `into a ${set.type}`);
  const value = toNode(instruction);
  if (!isScalar(value)) throw unexpected(instruction, `of a ${value.type}`);
  const keys = elementKeys.get(set) ?? new Set<string>();
  elementKeys.set(set, keys);
  const key = valueKey(value);
  if (keys.has(key)) return;
  keys.add(key);
  set.values.push(value);
}

/** Empties a collection. Where none has begun, nothing is left to do. */
function applyClear(parent: Node, place: string | number, instruction: Clear): void {
  const node = childOf(parent, place);
  if (node === undefined) return;
  if (node.type === 'dictionary') {
    node.entries.clear();
  } else if (node.type === 'list' || node.type === 'set') {
    node.values.length = 0;
    if (node.type === 'set') elementKeys.delete(node);
  } else {
    throw unexpected(instruction, `of a ${node.type}`);
  }
}

function toNode(instruction: Update | ArrayInsert | SetInsert): Node {
  const { value } = instruction;
  if (value.type === 'ObjectValue') return { type: 'object', properties: new Map() };
  if (value.type === 'Dictionary') return { type: 'dictionary', entries: new Map() };
  if (value.type === 'List') return { type: 'list', values: [] };
  if (value.type === 'Set') return { type: 'set', values: [] };
  if (value.type === 'Erased') throw unexpected(instruction, 'that removes an entry');
  if (value.type !== 'link') return value;
  const { className, primaryKey } = value;
  if (primaryKey.type === 'globalKey')
    throw unexpected(instruction, 'of a link to an object without a primary key');
  return { type: 'link', className, primaryKey };
}

function isScalar(node: Node): node is RealmScalar {
  return node.type !== 'object' && node.type !== 'list' && node.type !== 'set' && node.type !== 'dictionary';
}

/** A name from the wire, cut to what an error's text can bear. */
function quote(place: string | number): string {
  if (typeof place === 'number') return String(place);
  return JSON.stringify(place.length > maxQuotedLength ? `${place.slice(0, maxQuotedLength)}…` : place);
}

/** `what` follows the instruction's name, as in "Update of a link to an object without a primary key". */
export function unexpected(instruction: Instruction, what: string): ChangesetError {
  return new ChangesetError('unexpected-instruction', instruction.offset, `${instruction.type} ${what}`);
}
