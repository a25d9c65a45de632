/**
 * Random values, instructions and objects.
 *
 * @module
 */
import fc from 'fast-check';

import type { DeclaredType, ObjectKey, Payload } from '../../src/changeset/instruction.js';
import type { RealmPrimaryKey, RealmScalar, RealmValue } from '../../src/changeset/realm-value.js';
import type { NewObject } from '../../../test/support/server/insert-instructions.js';
import type { NewInstruction } from '../../../test/support/server/naive-codec.js';

/** A seed for fast-check; put it into the title of the test. `SEED=…` repeats a run. */
export const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record<T>(model, { noNullPrototype: true });

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
/** Few of them, so that they repeat; among them those that JavaScript objects treat in a special way. */
export const name = fc.oneof(
  fc.constantFrom('Span', 'name', 'a', '', '__proto__', 'constructor', 'é', '\0', '\ufeff', '\ufffd'),
  fc.string({ unit: 'binary', maxLength: 80 }),
);

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });

export const primaryKey: fc.Arbitrary<RealmPrimaryKey> = fc.oneof(
  fc.constant({ type: 'null' } as const),
  record({ type: fc.constant('int' as const), value: int64 }),
  record({ type: fc.constant('string' as const), value: name }),
  record({ type: fc.constant('objectId' as const), value: bytes(12) }),
  record({ type: fc.constant('uuid' as const), value: bytes(16) }),
);

const objectKey: fc.Arbitrary<ObjectKey> = fc.oneof(
  { weight: 5, arbitrary: primaryKey },
  { weight: 1, arbitrary: record({ type: fc.constant('globalKey' as const), high: int64, low: int64 }) },
);

const timestamp = fc.tuple(int64, fc.integer({ min: 0, max: 999_999_999 })).map(([seconds, size]) => {
  const nanoseconds = seconds < 0n && size > 0 ? -size : size;
  return { type: 'timestamp', seconds, nanoseconds } as const;
});

export const scalar: fc.Arbitrary<RealmScalar> = fc.oneof(
  fc.constant({ type: 'null' } as const),
  record({ type: fc.constant('int' as const), value: int64 }),
  record({ type: fc.constant('bool' as const), value: fc.boolean() }),
  record({ type: fc.constant('string' as const), value: fc.string({ unit: 'binary', maxLength: 200 }) }),
  record({ type: fc.constant('binary' as const), value: fc.uint8Array({ maxLength: 200 }) }),
  timestamp,
  record({ type: fc.constant('float' as const), value: fc.float() }),
  record({ type: fc.constant('double' as const), value: fc.double() }),
  record({ type: fc.constant('decimal128' as const), value: bytes(16) }),
  record({ type: fc.constant('objectId' as const), value: bytes(12) }),
  record({ type: fc.constant('uuid' as const), value: bytes(16) }),
  record({ type: fc.constant('link' as const), className: name, primaryKey }),
);

const markers = ['ObjectValue', 'Dictionary', 'Erased', 'List', 'Set'] as const;
const payload: fc.Arbitrary<Payload> = fc.oneof(
  { weight: 4, arbitrary: scalar },
  { weight: 1, arbitrary: fc.constantFrom(...markers.map((type) => ({ type }))) },
);

const declaredTypes: readonly DeclaredType[] = [
  ...([
    'mixed',
    'int',
    'bool',
    'string',
    'binary',
    'timestamp',
    'float',
    'double',
    'decimal128',
    'link',
  ] as const),
  ...(['objectId', 'uuid', 'globalKey', ...markers] as const),
];
const declaredType = fc.constantFrom(...declaredTypes);

const path = fc.array(fc.oneof(name, uint32), { maxLength: 6 });
const pathToIndex = fc.tuple(path, uint32).map(([start, index]) => [...start, index]);
const inTable = { table: name };
const inObject = { table: name, object: objectKey };
const inField = { ...inObject, field: name, path };
const inList = { ...inObject, field: name, path: pathToIndex };

const of = <T extends string>(type: T): { type: fc.Arbitrary<T> } => ({ type: fc.constant(type) });

/** Any instruction of the grammar, sensible or not. */
export const instruction: fc.Arbitrary<NewInstruction> = fc.oneof(
  record({
    ...of('AddTable'),
    ...inTable,
    kind: fc.constantFrom('top-level' as const, 'asymmetric' as const),
    primaryKey: record({ field: name, type: declaredType, nullable: fc.boolean() }),
  }),
  record({
    ...of('AddTable'),
    ...inTable,
    kind: fc.constant('embedded' as const),
    primaryKey: fc.constant(undefined),
  }),
  record({ ...of('EraseTable'), ...inTable }),
  record({ ...of('CreateObject'), ...inObject }),
  record({ ...of('EraseObject'), ...inObject }),
  record({ ...of('Update'), ...inField, value: payload, number: uint32, flag: fc.boolean() }).map(
    ({ number, flag, ...rest }): NewInstruction =>
      typeof rest.path.at(-1) === 'number'
        ? { ...rest, priorSize: number, isDefault: undefined }
        : { ...rest, priorSize: undefined, isDefault: flag },
  ),
  record({ ...of('AddInteger'), ...inField, value: int64 }),
  record({
    ...of('AddColumn'),
    ...inTable,
    field: name,
    columnType: declaredType,
    nullable: fc.boolean(),
    collection: fc.constantFrom('single' as const, 'list' as const, 'dictionary' as const, 'set' as const),
    target: name,
    keyType: declaredType,
  }).map(({ target, keyType, ...rest }) => ({
    ...rest,
    target: rest.columnType === 'link' ? target : undefined,
    keyType: rest.collection === 'dictionary' ? keyType : undefined,
  })),
  record({ ...of('EraseColumn'), ...inTable, field: name }),
  record({ ...of('ArrayInsert'), ...inList, value: payload, priorSize: uint32 }),
  record({ ...of('ArrayMove'), ...inList, toIndex: uint32, priorSize: uint32 }),
  record({ ...of('ArrayErase'), ...inList, priorSize: uint32 }),
  record({ ...of('Clear'), ...inField, collection: uint32 }),
  record({ ...of('SetInsert'), ...inField, value: payload }),
  record({ ...of('SetErase'), ...inField, value: payload }),
);

/** Distinct values; a set cannot tell zeros of different signs apart. */
const elements = fc.uniqueArray(scalar, {
  minLength: 1,
  maxLength: 5,
  selector: (value) =>
    JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)),
});

const { element, properties } = fc.letrec<{
  element: RealmValue;
  property: RealmValue;
  properties: ReadonlyMap<string, RealmValue>;
}>((tie) => ({
  /** Of a collection: what a mixed, or a list or dictionary of embedded objects, may hold. Empty ones are told. */
  element: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    scalar,
    record({ type: fc.constant('list' as const), values: fc.array(tie('element'), { maxLength: 4 }) }),
    record({
      type: fc.constant('dictionary' as const),
      entries: fc.array(fc.tuple(name, tie('element')), { maxLength: 4 }).map((entries) => new Map(entries)),
    }),
    record({ type: fc.constant('object' as const), properties: tie('properties') }),
  ),
  /** Of an object: empty collections send nothing. */
  property: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    scalar,
    record({ type: fc.constant('set' as const), values: elements }),
    tie('element').filter((value) => !isEmptyCollection(value)),
  ),
  properties: fc.array(fc.tuple(name, tie('property')), { maxLength: 6 }).map((entries) => new Map(entries)),
}));

function isEmptyCollection(value: RealmValue): boolean {
  if (value.type === 'list') return value.values.length === 0;
  return value.type === 'dictionary' && value.entries.size === 0;
}

export { element };

/** An object as a client may create it, nested every way. */
export const newObject: fc.Arbitrary<NewObject> = record({ className: name, primaryKey, properties });
