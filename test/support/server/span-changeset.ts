import { randomBytes } from 'node:crypto';
import type { RealmValue } from '../../../realm-ingest/src/changeset/realm-value.js';
import { insertInstructions } from './insert-instructions.js';
import { encodeChangeset, type NewInstruction } from './naive-codec.js';

export interface SpanChangesetOptions {
  /** Default: `Span`. */
  readonly className?: string;
  /** Whether the class is declared first. Default: no. */
  readonly schema?: boolean;
  /** 12 bytes each. Default: random ones. */
  readonly ids?: readonly Uint8Array[];
  readonly more?: Readonly<Record<string, RealmValue>>;
}

/** A changeset that creates one object a name, each with that `name`, as the engine writes it. */
export function spanChangeset(names: readonly string[], options: SpanChangesetOptions = {}): Uint8Array {
  const { className = 'Span', schema = false, ids = [], more = {} } = options;
  const declaration: NewInstruction[] = [
    {
      type: 'AddTable',
      table: className,
      kind: 'asymmetric',
      primaryKey: { field: '_id', type: 'objectId', nullable: false },
    },
  ];
  const inserts = names.flatMap((name, index) =>
    insertInstructions({
      className,
      primaryKey: { type: 'objectId', value: ids[index] ?? new Uint8Array(randomBytes(12)) },
      properties: new Map<string, RealmValue>([
        ['name', { type: 'string', value: name }],
        ...Object.entries(more),
      ]),
    }),
  );
  return encodeChangeset([...(schema ? declaration : []), ...inserts]);
}
