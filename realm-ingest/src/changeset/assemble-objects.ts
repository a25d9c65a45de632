/**
 * Instructions → objects.
 *
 * Source: sync protocol, section 10.
 *
 * @module
 */
import { ChangesetError } from './changeset-error.js';
import type { CreateObject, Instruction, ObjectKey } from './instruction.js';
import {
  applyToProperties,
  unexpected,
  type FieldInstruction,
  type ObjectNode,
} from './object-properties.js';
import type { RealmObject } from './realm-value.js';
import { TableDeclarations, type TableDeclaration } from './table-declarations.js';
import { valueKey } from './value-key.js';

/** What a changeset holds. */
export interface AssembledChangeset {
  /** In the order of their CreateObject instructions, of all classes. */
  readonly objects: readonly RealmObject[];
  /** What AddTable and AddColumn declared; nothing depends on it. */
  readonly tables: readonly TableDeclaration[];
}

/** So many objects one changeset may create: a CreateObject takes three bytes, the object some hundreds. */
const maxObjects = 1 << 20;

/**
 * Assembles the objects that a changeset creates. Where one primary key is created twice, both are given (the store
 * lets the first win), and what follows belongs to the latest.
 *
 * @param instructions - of one changeset, as `parseChangeset` gives them; taken to the end, so that what is no
 * changeset is reported as such even behind an unexpected instruction
 * @throws {@link ChangesetError} of `parseChangeset`, or `unexpected-instruction` for the first instruction that
 * asymmetric inserts never make
 */
export function assembleObjects(instructions: Iterable<Instruction>): AssembledChangeset {
  const assembler = new ObjectAssembler();
  for (const instruction of instructions) assembler.add(instruction);
  return assembler.finish();
}

/**
 * So many of the latest objects are kept when others are given away: clients write one object after the other, and what
 * an object links to while they write it.
 */
const keptObjects = 16;

/**
 * {@link assembleObjects} one instruction at a time, for whoever has something else to do in between, or does not want
 * to hold all objects at once.
 */
export class ObjectAssembler {
  readonly #declarations = new TableDeclarations();
  /** Those that were not given away, and how many were. */
  #objects: RealmObject[] = [];
  #given = 0;
  /** By class, then by primary key: the latest object of each. */
  readonly #nodes = new Map<string, Map<string, ObjectNode>>();
  /** The object that the last instruction was about; instructions of one object stand together. */
  #current: { readonly table: string; readonly key: ObjectKey; readonly node: ObjectNode } | undefined;
  #failure: ChangesetError | undefined;

  /** Takes the next instruction. Never throws a {@link ChangesetError}: `finish` does. */
  add(instruction: Instruction): void {
    if (this.#failure) return;
    try {
      this.#apply(instruction);
    } catch (error) {
      if (!(error instanceof ChangesetError)) throw error;
      this.#failure = error;
    }
  }

  /**
   * Gives away all but the latest few objects. An instruction that comes back to one of them is then an unexpected one,
   * like that of an object which was never created.
   */
  giveAway(): readonly RealmObject[] {
    if (this.#objects.length <= keptObjects) return [];
    const given = this.#objects;
    this.#objects = given.splice(-keptObjects);
    this.#given += given.length;
    for (const { className, primaryKey, properties } of given) {
      const nodes = this.#nodes.get(className);
      const key = valueKey(primaryKey);
      // A later one of the same key may be there in its place.
      if (nodes?.get(key)?.properties === properties) nodes.delete(key);
    }
    return given;
  }

  /**
   * What all instructions came to, less what was given away.
   *
   * @throws {@link ChangesetError} `unexpected-instruction` for the first one that asymmetric inserts never make
   */
  finish(): AssembledChangeset {
    if (this.#failure) throw this.#failure;
    return { objects: this.#objects, tables: this.#declarations.list() };
  }

  #apply(instruction: Instruction): void {
    switch (instruction.type) {
      case 'AddTable':
        this.#declarations.addTable(instruction);
        return;
      case 'AddColumn':
        this.#declarations.addColumn(instruction);
        return;
      case 'CreateObject':
        this.#create(instruction);
        return;
      case 'Update':
      case 'ArrayInsert':
      case 'SetInsert':
      case 'Clear':
        applyToProperties(this.#find(instruction), instruction);
        return;
      case 'EraseTable':
      case 'EraseObject':
      case 'EraseColumn':
      case 'AddInteger':
      case 'ArrayMove':
      case 'ArrayErase':
      case 'SetErase':
        throw unexpected(instruction, 'is never part of an insert');
    }
  }

  #create(instruction: CreateObject): void {
    const { table, object: primaryKey } = instruction;
    if (primaryKey.type === 'globalKey') throw unexpected(instruction, 'without a primary key');
    const place = this.#given + this.#objects.length;
    if (place === maxObjects) throw unexpected(instruction, `beyond ${maxObjects} objects`);
    const node: ObjectNode = { type: 'object', properties: new Map() };
    this.#objects.push({ className: table, primaryKey, properties: node.properties, place });
    const nodes = this.#nodes.get(table) ?? new Map<string, ObjectNode>();
    this.#nodes.set(table, nodes);
    nodes.set(valueKey(primaryKey), node);
    this.#current = { table, key: primaryKey, node };
  }

  #find(instruction: FieldInstruction): ObjectNode {
    const { table, object: key } = instruction;
    // Equal keys of neighbouring instructions are one object: see `ObjectKey`.
    if (this.#current?.key === key && this.#current.table === table) return this.#current.node;
    const node = this.#nodes.get(table)?.get(valueKey(key));
    if (!node) throw unexpected(instruction, 'of an object that was not created here');
    this.#current = { table, key, node };
    return node;
  }
}
