/**
 * Applies an instruction to the properties of its object.
 *
 * Source: sync protocol, sections 9.3, 10.1 and 10.4.
 *
 * @module
 */
import { ChangesetError } from './changeset-error.js';
import type { ArrayInsert, Clear, Instruction, SetInsert, Update } from './instruction.js';
import type { RealmScalar } from './realm-value.js';
import { valueKey } from './value-key.js';

/** An object or embedded object that is being assembled. */
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

/** A `RealmValue` that is being assembled. */
type Node = RealmScalar | ObjectNode | ListNode | SetNode | DictionaryNode;

/** The instructions that set an object's properties. */
export type FieldInstruction = Update | ArrayInsert | Clear | SetInsert;

/** Deeper than any store accepts (100 levels), and shallow enough for recursion over objects. */
const maxPathElements = 500;
const maxQuotedLength = 60;

/** The keys of a set's elements, so that a repeated element is found without a search. */
const elementKeys = new WeakMap<SetNode, Set<string>>();

/**
 * Applies an instruction. Every instruction except ArrayInsert may be repeated.
 *
 * A collection that is a property is created by its first element, because no instruction announces it. A collection
 * inside a collection, and an embedded object, is created by its marker.
 *
 * @throws {@link ChangesetError} `unexpected-instruction` if the path does not exist, or leads to another type of value
 */
export function applyToProperties(root: ObjectNode, instruction: FieldInstruction): void {
  if (instruction.path.length > maxPathElements) {
    throw unexpected(instruction, `with a path of ${instruction.path.length} elements`);
  }
  const { parent, key } = locate(root, instruction);
  switch (instruction.type) {
    case 'Update':
      applyUpdate(parent, key, instruction);
      return;
    case 'ArrayInsert':
      applyArrayInsert(parent, key, instruction);
      return;
    case 'SetInsert':
      applySetInsert(parent, key, instruction);
      return;
    case 'Clear':
      applyClear(parent, key, instruction);
  }
}

/**
 * Follows the field and the path to their last element. Creates a collection that is a property, of the type that the
 * next path element needs.
 */
function locate(root: ObjectNode, instruction: FieldInstruction): { parent: Node; key: string | number } {
  let parent: Node = root;
  let key: string | number = instruction.field;
  for (const next of instruction.path) {
    parent =
      childOf(parent, key) ??
      begin(instruction, parent, key, typeof next === 'number' ? 'list' : 'dictionary');
    key = next;
  }
  return { parent, key };
}

function childOf(node: Node, key: string | number): Node | undefined {
  if (typeof key === 'number') return node.type === 'list' ? node.values[key] : undefined;
  if (node.type === 'object') return node.properties.get(key);
  return node.type === 'dictionary' ? node.entries.get(key) : undefined;
}

function begin(
  instruction: FieldInstruction,
  parent: Node,
  key: string | number,
  type: 'list' | 'dictionary' | 'set',
): Node {
  if (parent.type !== 'object' || typeof key !== 'string') {
    throw unexpected(instruction, `inside ${quote(key)}, which does not exist`);
  }
  const collection: Node = type === 'dictionary' ? { type, entries: new Map() } : { type, values: [] };
  parent.properties.set(key, collection);
  return collection;
}

/** Sets a property, a dictionary's entry, or an existing element of a list. */
function applyUpdate(parent: Node, key: string | number, instruction: Update): void {
  const value = toNode(instruction);
  if (typeof key === 'string' && parent.type === 'object') {
    parent.properties.set(key, value);
  } else if (typeof key === 'string' && parent.type === 'dictionary') {
    parent.entries.set(key, value);
  } else if (typeof key === 'number' && parent.type === 'list' && key < parent.values.length) {
    checkPriorSize(parent, instruction);
    parent.values[key] = value;
  } else {
    throw unexpected(instruction, `of ${quote(key)} in a ${parent.type}`);
  }
}

/** Appends: an insert never adds to the middle of a new list. */
function applyArrayInsert(parent: Node, key: string | number, instruction: ArrayInsert): void {
  if (parent.type !== 'list') throw unexpected(instruction, `into a ${parent.type}`);
  checkPriorSize(parent, instruction);
  if (key !== parent.values.length) {
    throw unexpected(instruction, `at ${key} of a list of ${parent.values.length}`);
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

/** Adds an element, unless the set has an equal one. */
function applySetInsert(parent: Node, key: string | number, instruction: SetInsert): void {
  const set = childOf(parent, key) ?? begin(instruction, parent, key, 'set');
  if (set.type !== 'set') throw unexpected(instruction, `into a ${set.type}`);
  const value = toNode(instruction);
  if (!isScalar(value)) throw unexpected(instruction, `of a ${value.type}`);
  const keys = elementKeys.get(set) ?? new Set<string>();
  elementKeys.set(set, keys);
  const elementKey = valueKey(value);
  if (keys.has(elementKey)) return;
  keys.add(elementKey);
  set.values.push(value);
}

/** Empties a collection; does nothing if it does not exist. */
function applyClear(parent: Node, key: string | number, instruction: Clear): void {
  const node = childOf(parent, key);
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

/** A name from the wire, shortened for an error's text. */
function quote(key: string | number): string {
  if (typeof key === 'number') return String(key);
  return JSON.stringify(key.length > maxQuotedLength ? `${key.slice(0, maxQuotedLength)}…` : key);
}

/** @param what - follows the instruction's name, as in "Update of a link to an object without a primary key" */
export function unexpected(instruction: Instruction, what: string): ChangesetError {
  return new ChangesetError('unexpected-instruction', instruction.offset, `${instruction.type} ${what}`);
}
