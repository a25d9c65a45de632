import assert from 'node:assert/strict';

import fc from 'fast-check';

import { ObjectAssembler } from '../../src/changeset/assemble-objects.js';
import { ChangesetError } from '../../src/changeset/changeset-error.js';
import type { Path, Payload } from '../../src/changeset/instruction.js';
import { parseChangeset } from '../../src/changeset/parse-changeset.js';
import type { RealmObject, RealmValue } from '../../src/changeset/realm-value.js';
import { assembleObjects } from '../support/assemble-objects.js';
import { instruction, newObject, seed } from '../support/arbitraries.js';
import { insertInstructions } from '../../../test/support/server/insert-instructions.js';
import { encodeChangeset, type NewInstruction } from '../../../test/support/server/naive-codec.js';

const common = { table: 'Span', object: { type: 'int', value: 5n } } as const;
const create: NewInstruction = { type: 'CreateObject', ...common };

const text = (value: string) => ({ type: 'string', value }) as const;
const int = (value: bigint) => ({ type: 'int', value }) as const;

function update(field: string, path: Path, value: Payload, priorSize?: number): NewInstruction {
  const isDefault = priorSize === undefined ? false : undefined;
  return { type: 'Update', ...common, field, path, value, priorSize, isDefault };
}

function arrayInsert(field: string, path: Path, value: Payload, priorSize: number): NewInstruction {
  return { type: 'ArrayInsert', ...common, field, path, value, priorSize };
}

function setInsert(field: string, value: Payload): NewInstruction {
  return { type: 'SetInsert', ...common, field, path: [], value };
}

function clear(field: string, path: Path, collection = 0): NewInstruction {
  return { type: 'Clear', ...common, field, path, collection };
}

function assemble(...instructions: NewInstruction[]): readonly RealmObject[] {
  return assembleObjects(parseChangeset(encodeChangeset(instructions)));
}

/** The properties that one object has after these instructions. */
function properties(...instructions: NewInstruction[]): Record<string, RealmValue> {
  const [object] = assemble(create, ...instructions);
  return Object.fromEntries(object!.properties);
}

function isUnexpected(error: unknown): boolean {
  return error instanceof ChangesetError && error.reason === 'unexpected-instruction';
}

function refuses(...instructions: NewInstruction[]): void {
  assert.throws(() => assemble(create, ...instructions), isUnexpected);
}

describe('ObjectAssembler', () => {
  it(`returns every object that a client inserts (seed ${seed})`, () => {
    fc.assert(
      fc.property(fc.array(newObject, { maxLength: 4 }), (objects) => {
        assert.deepEqual(
          assemble(...objects.flatMap(insertInstructions)),
          objects.map((object, place) => ({ ...object, place })),
        );
      }),
      { seed, numRuns: 300 },
    );
  });

  it(`throws only ChangesetErrors, whatever the instructions (seed ${seed})`, () => {
    fc.assert(
      fc.property(newObject, fc.array(instruction, { maxLength: 4 }), fc.nat(), (object, strange, at) => {
        const instructions = insertInstructions(object);
        instructions.splice(at % (instructions.length + 1), 0, ...strange);
        try {
          assemble(...instructions);
        } catch (error) {
          assert.ok(isUnexpected(error));
        }
      }),
      { seed, numRuns: 500 },
    );
  });

  it('returns objects of every class, in order, with their places', () => {
    const [first, second] = assemble(
      { type: 'CreateObject', table: 'Span', object: { type: 'null' } },
      { type: 'CreateObject', table: 'Other', object: { type: 'string', value: 'k' } },
    );
    assert.deepEqual(first, {
      className: 'Span',
      primaryKey: { type: 'null' },
      properties: new Map(),
      place: 0,
    });
    assert.deepEqual(second, {
      className: 'Other',
      primaryKey: { type: 'string', value: 'k' },
      properties: new Map(),
      place: 1,
    });
  });

  describe('objects in one changeset', () => {
    const other = { table: 'Span', object: { type: 'int', value: 6n } } as const;

    it('are found by table and key, also when their instructions are mixed', () => {
      const [first, second] = assemble(
        create,
        { type: 'CreateObject', ...other },
        update('name', [], text('five')),
        {
          type: 'Update',
          ...other,
          field: 'name',
          path: [],
          value: text('six'),
          priorSize: undefined,
          isDefault: false,
        },
        update('kind', [], text('late')),
      );
      assert.deepEqual([...first!.properties.keys()], ['name', 'kind']);
      assert.deepEqual(second!.properties.get('name'), text('six'));
    });

    it('may share a primary key: later instructions belong to the second', () => {
      const [first, second] = assemble(
        create,
        update('name', [], text('1')),
        create,
        update('name', [], text('2')),
      );
      assert.deepEqual([first!.properties.get('name'), first!.place], [text('1'), 0]);
      assert.deepEqual([second!.properties.get('name'), second!.place], [text('2'), 1]);
    });

    it('may have equal keys in different classes', () => {
      const [first, second] = assemble(
        create,
        { ...create, table: 'Other' },
        update('name', [], text('first')),
        { ...update('name', [], text('second')), table: 'Other' },
      );
      assert.deepEqual(first!.properties.get('name'), text('first'));
      assert.deepEqual(second!.properties.get('name'), text('second'));
    });

    it('may have equal keys of different types', () => {
      const keys = [
        { type: 'int', value: 5n },
        { type: 'string', value: '5' },
        { type: 'objectId', value: new Uint8Array(12).fill(0x35) },
        { type: 'uuid', value: new Uint8Array(16).fill(0x35) },
      ] as const;
      const objects = assemble(
        ...keys.map((object): NewInstruction => ({ type: 'CreateObject', table: 'Span', object })),
        ...keys.map((object): NewInstruction => ({
          ...update('type', [], text(object.type)),
          ...{ object },
        })),
      );
      assert.deepEqual(
        objects.map(({ properties: own }) => own.get('type')),
        keys.map(({ type }) => text(type)),
      );
    });
  });

  describe('values', () => {
    it('are replaced by a later Update; null sent twice is null', () => {
      const twice = properties(
        update('m', [], { type: 'null' }),
        update('m', [], { type: 'null' }),
        update('n', [], int(1n)),
        update('n', [], text('x')),
      );
      assert.deepEqual(twice, { m: { type: 'null' }, n: text('x') });
    });

    it('of a list are replaced if the prior size is its length', () => {
      const list = [arrayInsert('l', [0], int(1n), 0), arrayInsert('l', [1], int(2n), 1)];
      assert.deepEqual(properties(...list, update('l', [0], int(9n), 2)).l, {
        type: 'list',
        values: [int(9n), int(2n)],
      });
      refuses(...list, update('l', [0], int(9n), 1));
      refuses(...list, update('l', [2], int(9n), 2));
    });

    it('of a list are only appended', () => {
      refuses(arrayInsert('l', [1], int(1n), 0));
      refuses(arrayInsert('l', [0], int(1n), 1));
      refuses(arrayInsert('l', [0], int(1n), 0), arrayInsert('l', [0], int(2n), 1));
      refuses(arrayInsert('l', [0], int(1n), 0), arrayInsert('l', [0], int(1n), 0));
      refuses(arrayInsert('l', [4294967295], int(1n), 4294967295));
    });

    it('of a set occur once, even if they are sent twice', () => {
      const values = [int(1n), text('1'), { type: 'double', value: 1 } as const, { type: 'null' } as const];
      const twice = [...values, ...values].map((value) => setInsert('s', value));
      assert.deepEqual(properties(...twice).s, { type: 'set', values });
    });

    it('of a set are never collections or objects', () => {
      refuses(setInsert('s', { type: 'ObjectValue' }));
      refuses(setInsert('s', { type: 'List' }));
      refuses(setInsert('s', { type: 'Erased' }));
    });

    it('may have any key', () => {
      const keys = ['__proto__', 'constructor', 'toString', '', 'a$', '\0'];
      const { d } = properties(...keys.map((key) => update('d', [key], text(key))));
      assert.deepEqual(d, { type: 'dictionary', entries: new Map(keys.map((key) => [key, text(key)])) });
      assert.equal(Object.getPrototypeOf({}), Object.prototype);
    });

    it('of a dictionary are replaced, not moved', () => {
      const { d } = properties(
        update('d', ['a'], int(1n)),
        update('d', ['b'], int(2n)),
        update('d', ['a'], int(3n)),
      );
      assert.deepEqual(d, {
        type: 'dictionary',
        entries: new Map([
          ['a', int(3n)],
          ['b', int(2n)],
        ]),
      });
    });
  });

  describe('Clear', () => {
    it('empties every type of collection', () => {
      const cleared = properties(
        update('m', [], { type: 'List' }),
        arrayInsert('m', [0], int(1n), 0),
        clear('m', [], 1),
        update('d', ['k'], int(1n)),
        clear('d', []),
        setInsert('s', int(1n)),
        clear('s', []),
        setInsert('s', int(1n)),
      );
      assert.deepEqual(cleared, {
        m: { type: 'list', values: [] },
        d: { type: 'dictionary', entries: new Map() },
        s: { type: 'set', values: [int(1n)] },
      });
    });

    it('does nothing if there is no collection', () => {
      assert.deepEqual(properties(clear('l', [])), {});
    });

    it('is refused for a value without elements', () => {
      refuses(update('n', [], int(1n)), clear('n', []));
      refuses(update('o', [], { type: 'ObjectValue' }), clear('o', []));
    });
  });

  describe('paths that do not exist', () => {
    const cases: Record<string, NewInstruction[]> = {
      'a field of a null': [update('e', [], { type: 'null' }), update('e', ['f'], int(1n))],
      'a field of a number': [update('e', [], int(1n)), update('e', ['f'], int(1n))],
      'an element of a number': [update('e', [], int(1n)), arrayInsert('e', [0], int(1n), 0)],
      'an element of a dictionary': [update('d', ['k'], int(1n)), arrayInsert('d', [0], int(1n), 0)],
      'a key of a list': [arrayInsert('l', [0], int(1n), 0), update('l', ['k'], int(1n))],
      'an entry inside an entry that is not there': [update('d', ['k', 'l'], int(1n))],
      'an element inside an element that is not there': [arrayInsert('l', [0, 0], int(1n), 0)],
      'an element of a set': [setInsert('s', int(1n)), arrayInsert('s', [0], int(1n), 0)],
      'a set in place of a list': [arrayInsert('l', [0], int(1n), 0), setInsert('l', int(1n))],
    };
    for (const [name, instructions] of Object.entries(cases)) {
      it(`are refused: ${name}`, () => {
        refuses(...instructions);
      });
    }
  });

  it('shortens names in errors', () => {
    const instructions = [create, update('d', ['x'.repeat(1_000_000), 'y'], int(1n))];
    assert.throws(
      () => assemble(...instructions),
      (error) => isUnexpected(error) && (error as Error).message.length < 300,
    );
  });

  it('accepts paths of up to five hundred elements', () => {
    const nested = (depth: number): NewInstruction[] =>
      Array.from({ length: depth + 1 }, (_, length) =>
        update(
          'o',
          Array.from({ length }, () => 'inner'),
          { type: 'ObjectValue' },
        ),
      );
    assert.equal(properties(...nested(500)).o?.type, 'object');
    refuses(...nested(501));
  });

  it('reports malformed bytes, even after an unexpected instruction', () => {
    const bytes = encodeChangeset([create, { type: 'EraseObject', ...common }, create]);
    assert.throws(() => assembleObjects(parseChangeset(bytes)), isUnexpected);
    assert.throws(
      () => assembleObjects(parseChangeset(new Uint8Array([...bytes, 0x0e]))),
      (error) =>
        error instanceof ChangesetError && error.reason === 'bad-changeset' && error.offset === bytes.length,
    );
  });

  it('ignores declarations, also those that contradict each other', () => {
    const column = {
      type: 'AddColumn',
      table: 'Span',
      field: 'a',
      nullable: false,
      collection: 'single',
    } as const;
    const primaryKey = { field: '_id', type: 'int', nullable: false } as const;
    const objects = assemble(
      { type: 'AddTable', table: 'Span', kind: 'asymmetric', primaryKey },
      { ...column, columnType: 'int', target: undefined, keyType: undefined },
      { ...column, columnType: 'string', target: undefined, keyType: undefined },
      { type: 'AddTable', table: 'Span', kind: 'embedded', primaryKey: undefined },
      create,
      update('a', [], { type: 'bool', value: true }),
    );
    assert.equal(objects.length, 1);
  });

  it('refuses to create objects without end', () => {
    const assembler = new ObjectAssembler();
    const object = { type: 'null' } as const;
    for (let offset = 0; offset <= 2 ** 20; offset += 1) {
      assembler.add({ type: 'CreateObject', offset, table: 'Span', object });
      if (offset % 1000 === 0) assembler.takeCompleted();
    }
    assert.throws(() => assembler.finish(), isUnexpected);
  });

  describe('takes completed objects before the end', () => {
    const created = (number: number) => ({
      ...({ type: 'CreateObject', table: 'Span', offset: number } as const),
      object: { type: 'int', value: BigInt(number) } as const,
    });

    it('in order, with their places, all but the latest few', () => {
      const assembler = new ObjectAssembler();
      const taken: RealmObject[] = [];
      for (let number = 0; number < 100; number += 1) {
        assembler.add(created(number));
        taken.push(...assembler.takeCompleted());
      }
      assert.ok(taken.length > 50 && taken.length < 100, `${taken.length} before the end`);
      taken.push(...assembler.finish());
      assert.deepEqual(
        taken.map(({ place }) => place),
        Array.from({ length: 100 }, (_, number) => number),
      );
    });

    it('an instruction may return to a recent object, not to a taken one', () => {
      const assembler = new ObjectAssembler();
      const updateOf = (number: number) => ({
        ...({ type: 'Update', table: 'Span', field: 'a', path: [], offset: 0 } as const),
        ...{ object: created(number).object, value: int(1n), priorSize: undefined, isDefault: false },
      });
      for (let number = 0; number < 100; number += 1) {
        assembler.add(created(number));
        if (number > 0) assembler.add(updateOf(number - 1));
        assembler.takeCompleted();
      }
      assert.ok(assembler.finish().every(({ properties, place }) => place === 99 || properties.has('a')));
      assembler.add(updateOf(3));
      assert.throws(() => assembler.finish(), isUnexpected);
    });
  });

  it('handles a set and a list of a hundred thousand elements in time', () => {
    function* many() {
      yield { ...create, offset: 0 };
      for (let index = 0; index < 100_000; index++) {
        yield {
          type: 'SetInsert' as const,
          offset: 0,
          ...common,
          field: 's',
          path: [],
          value: int(BigInt(index)),
        };
        yield { ...arrayInsert('l', [index], int(0n), index), offset: 0 };
      }
    }
    const [object] = assembleObjects(many() as Iterable<never>);
    assert.deepEqual(
      [...object!.properties].map(([field, value]) => [field, 'values' in value ? value.values.length : 0]),
      [
        ['s', 100_000],
        ['l', 100_000],
      ],
    );
  });
});
