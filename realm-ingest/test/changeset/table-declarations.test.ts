import assert from 'node:assert/strict';

import { assembleObjects } from '../../src/changeset/assemble-objects.js';

describe('TableDeclarations', () => {
  it('collects what classes declare, conflicting or not, and fails for none', () => {
    const column = {
      type: 'AddColumn',
      nullable: false,
      collection: 'single',
      target: undefined,
      keyType: undefined,
    };
    const { tables } = assembleObjects([
      {
        type: 'AddTable',
        offset: 0,
        table: 'Span',
        kind: 'asymmetric',
        primaryKey: { field: '_id', type: 'int', nullable: false },
      },
      {
        ...column,
        type: 'AddColumn',
        collection: 'single',
        offset: 1,
        table: 'Span',
        field: 'a',
        columnType: 'int',
      },
      {
        ...column,
        type: 'AddColumn',
        collection: 'single',
        offset: 2,
        table: 'Span',
        field: 'a',
        columnType: 'string',
      },
      {
        ...column,
        type: 'AddColumn',
        collection: 'single',
        offset: 3,
        table: 'Elsewhere',
        field: 'b',
        columnType: 'mixed',
      },
      { type: 'AddTable', offset: 4, table: 'Span', kind: 'embedded', primaryKey: undefined },
    ]);
    assert.deepEqual(
      tables.map(({ table, kind, columns }) => ({
        table,
        kind,
        columns: columns.map((c) => [c.field, c.columnType]),
      })),
      [
        {
          table: 'Span',
          kind: 'embedded',
          columns: [
            ['a', 'int'],
            ['a', 'string'],
          ],
        },
        { table: 'Elsewhere', kind: undefined, columns: [['b', 'mixed']] },
      ],
    );
  });

  it('keeps a bounded number of declarations', () => {
    const declarations = Array.from({ length: 20_000 }, (_, index) => ({
      type: 'AddTable' as const,
      offset: index,
      table: `T${index}`,
      kind: 'embedded' as const,
      primaryKey: undefined,
    }));
    assert.equal(assembleObjects(declarations).tables.length, 10_000);
  });
});
