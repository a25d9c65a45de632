import { ObjectAssembler } from '../../src/changeset/assemble-objects.js';
import type { Instruction } from '../../src/changeset/instruction.js';
import type { RealmObject } from '../../src/changeset/realm-value.js';

/** All objects of one changeset. @throws ChangesetError as `ObjectAssembler.finish` */
export function assembleObjects(instructions: Iterable<Instruction>): readonly RealmObject[] {
  const assembler = new ObjectAssembler();
  for (const instruction of instructions) assembler.add(instruction);
  return assembler.finish();
}
