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
import { valueKey } from './value-key.js';

/** The most objects of one changeset: a CreateObject takes three bytes, the object hundreds. */
const maxObjects = 1 << 20;

/**
 * How many of the latest objects {@link ObjectAssembler.takeCompleted} leaves: clients write one object after the other,
 * and the objects to which it links in between.
 */
const openObjects = 16;

/**
 * Assembles the objects that a changeset creates, one instruction at a time. If a primary key is created twice, there are
 * two objects (the store keeps the first), and later instructions belong to the second.
 *
 * Declarations (AddTable, AddColumn) are ignored: values carry their types.
 */
export class ObjectAssembler {
  /** In the order of their CreateObject instructions, without those taken so far. */
  #objects: RealmObject[] = [];
  #takenCount = 0;
  /** By class, then by primary key: the latest object of each. */
  readonly #nodes = new Map<string, Map<string, ObjectNode>>();
  /** The object of the last instruction: instructions of one object follow each other. */
  #current: { readonly table: string; readonly key: ObjectKey; readonly node: ObjectNode } | undefined;
  #failure: ChangesetError | undefined;

  /** Applies the next instruction. Never throws a {@link ChangesetError}: `finish` does. */
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
   * Removes and returns all but the latest few objects. A later instruction for one of them is unexpected, as if the
   * object had never been created.
   */
  takeCompleted(): readonly RealmObject[] {
    if (this.#objects.length <= openObjects) return [];
    const taken = this.#objects;
    this.#objects = taken.splice(-openObjects);
    this.#takenCount += taken.length;
    for (const { className, primaryKey, properties } of taken) {
      const nodes = this.#nodes.get(className);
      const key = valueKey(primaryKey);
      // The key may belong to a later object by now.
      if (nodes?.get(key)?.properties === properties) nodes.delete(key);
    }
    return taken;
  }

  /**
   * The objects of all instructions, without those taken before.
   *
   * @throws {@link ChangesetError} `unexpected-instruction` for the first instruction that asymmetric inserts never make
   */
  finish(): readonly RealmObject[] {
    if (this.#failure) throw this.#failure;
    return this.#objects;
  }

  #apply(instruction: Instruction): void {
    switch (instruction.type) {
      case 'AddTable':
      case 'AddColumn':
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
    const place = this.#takenCount + this.#objects.length;
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
    // Equal keys of consecutive instructions are the same JavaScript object: see `ObjectKey`.
    if (this.#current?.key === key && this.#current.table === table) return this.#current.node;
    const node = this.#nodes.get(table)?.get(valueKey(key));
    if (!node) throw unexpected(instruction, 'of an object that was not created here');
    this.#current = { table, key, node };
    return node;
  }
}
