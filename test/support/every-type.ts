import { engineName, type BSON } from './engine/realm.mjs';
import type Realm from './engine/realm.mjs';

/** Classes that between them have every property type of Realm. */
export const everyTypeSchema: Realm.ObjectSchema[] = [
  {
    name: 'EveryType',
    asymmetric: true,
    primaryKey: '_id',
    properties: {
      _id: 'objectId',
      anInt: 'int',
      aBool: 'bool',
      aString: 'string',
      someData: 'data',
      aDate: 'date',
      aFloat: 'float',
      aDouble: 'double',
      aDecimal: 'decimal128',
      anObjectId: 'objectId',
      aUuid: 'uuid',
      maybeInt: 'int?',
      maybeString: 'string?',
      maybeDate: 'date?',
      anything: 'mixed',
      ints: 'int[]',
      strings: 'string?[]',
      dates: 'date[]',
      anythings: 'mixed[]',
      intSet: 'int<>',
      stringSet: 'string<>',
      uuidSet: 'uuid<>',
      anythingSet: 'mixed<>',
      decimals: 'decimal128{}',
      texts: 'string?{}',
      dictionary: 'mixed{}',
      place: 'Place',
      places: { type: 'list', objectType: 'Place' },
      placesByName: { type: 'dictionary', objectType: 'Place' },
    },
  },
  {
    name: 'Place',
    embedded: true,
    properties: { name: 'string', floor: 'int?', position: 'Position' },
  },
  {
    name: 'Position',
    embedded: true,
    properties: { latitude: 'double', longitude: 'double', note: 'mixed' },
  },
];

/** One object: the argument of `realm.create`, and the expected document as canonical Extended JSON. */
export interface Sample {
  readonly description: string;
  readonly values: Record<string, unknown>;
  readonly expected: Record<string, unknown>;
}

/** @param bson - the Realm engine's own */
export function everyTypeSamples(bson: typeof BSON): Sample[] {
  const { ObjectId, UUID, Decimal128 } = bson;
  const ids = [1, 2, 3].map((n) => new ObjectId(`65f0000000000000000000a${n}`));
  const uuid = new UUID('0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d');
  const uuidJson = binary('ChssPU5fSmuMfZ4PGis8TQ==', '04');
  const required = {
    anInt: 0,
    aBool: false,
    aString: '',
    someData: new ArrayBuffer(0),
    aDate: new Date(0),
    aFloat: 0,
    aDouble: 0,
    aDecimal: Decimal128.fromString('0'),
    anObjectId: ids[0],
    aUuid: uuid,
  };
  const requiredJson = {
    anInt: long('0'),
    aBool: false,
    aString: '',
    someData: binary(''),
    aDate: date('0'),
    aFloat: double('0.0'),
    aDouble: double('0.0'),
    aDecimal: decimal('0'),
    anObjectId: oid('65f0000000000000000000a1'),
    aUuid: uuidJson,
  };
  return [
    {
      description: 'every property set',
      values: {
        _id: ids[0],
        anInt: 42,
        aBool: true,
        aString: 'naïve 🚀 text with "quotes", \\ and \u0000',
        someData: Uint8Array.of(0, 1, 254, 255).buffer,
        aDate: new Date('2024-02-29T12:34:56.789Z'),
        aFloat: 0.25,
        aDouble: 0.1,
        aDecimal: Decimal128.fromString('-12.3450'),
        anObjectId: ids[1],
        aUuid: uuid,
        maybeInt: 7,
        maybeString: 'there',
        maybeDate: new Date('1969-12-31T23:59:59.000Z'),
        anything: uuid,
        ints: [3, 1, 2, 1],
        strings: ['b', null, ''],
        dates: [new Date(1), new Date(-1000)],
        anythings: [1, 2n, 'three', true, null, 4.5, ids[2], Decimal128.fromString('6'), new Date(8)],
        intSet: [5],
        stringSet: ['only'],
        uuidSet: [uuid],
        anythingSet: [9n],
        decimals: { price: Decimal128.fromString('9.99') },
        texts: { greeting: 'hello', nothing: null },
        dictionary: {
          n: 1,
          big: 2n ** 53n + 1n,
          s: 'x',
          b: false,
          none: null,
          bytes: Uint8Array.of(7).buffer,
        },
        place: { name: 'bridge', floor: 3, position: { latitude: 53.5, longitude: -0.125, note: 'fore' } },
        places: [
          { name: 'deck', position: null },
          { name: 'hold', floor: -1, position: { latitude: 1, longitude: 2 } },
        ],
        placesByName: { stern: { name: 'stern' } },
      },
      expected: {
        _id: oid('65f0000000000000000000a1'),
        anInt: long('42'),
        aBool: true,
        aString: 'naïve 🚀 text with "quotes", \\ and \u0000',
        someData: binary('AAH+/w=='),
        aDate: date('1709210096789'),
        aFloat: double('0.25'),
        aDouble: double('0.1'),
        aDecimal: decimal('-12.3450'),
        anObjectId: oid('65f0000000000000000000a2'),
        aUuid: uuidJson,
        maybeInt: long('7'),
        maybeString: 'there',
        maybeDate: date('-1000'),
        anything: uuidJson,
        ints: ['3', '1', '2', '1'].map(long),
        strings: ['b', null, ''],
        dates: [date('1'), date('-1000')],
        anythings: [
          double('1.0'),
          long('2'),
          'three',
          true,
          null,
          double('4.5'),
          oid('65f0000000000000000000a3'),
          decimal('6'),
          date('8'),
        ],
        intSet: [long('5')],
        stringSet: ['only'],
        uuidSet: [uuidJson],
        anythingSet: [long('9')],
        decimals: { price: decimal('9.99') },
        texts: { greeting: 'hello', nothing: null },
        dictionary: {
          n: double('1.0'),
          big: long('9007199254740993'),
          s: 'x',
          b: false,
          none: null,
          bytes: binary('Bw=='),
        },
        place: {
          name: 'bridge',
          floor: long('3'),
          position: { latitude: double('53.5'), longitude: double('-0.125'), note: 'fore' },
        },
        places: [
          // realm-core 13.13, the WebAssembly engine's, sends no null for an embedded object's object; 14.14 does.
          engineName === 'native' ? { name: 'deck', position: null } : { name: 'deck' },
          {
            name: 'hold',
            floor: long('-1'),
            position: { latitude: double('1.0'), longitude: double('2.0') },
          },
        ],
        placesByName: { stern: { name: 'stern' } },
      },
    },
    {
      description: 'only what is required',
      values: { _id: ids[1], ...required },
      expected: { _id: oid('65f0000000000000000000a2'), ...requiredJson },
    },
    {
      description: 'the ends of each range',
      values: {
        _id: ids[2],
        ...required,
        anInt: -(2n ** 63n),
        maybeInt: 2n ** 63n - 1n,
        someData: new Uint8Array(100_000).fill(0xab).buffer,
        aDate: new Date(8.64e15),
        maybeDate: new Date('0001-01-01T00:00:00.000Z'),
        aFloat: Infinity,
        aDouble: Number.NaN,
        aDecimal: Decimal128.fromString('9.999999999999999999999999999999999E+6144'),
        anything: -0,
        ints: [2n ** 62n, -1],
        anythings: [Number.MIN_VALUE, Number.MAX_VALUE, -Infinity, -(2n ** 63n)],
      },
      expected: {
        _id: oid('65f0000000000000000000a3'),
        ...requiredJson,
        anInt: long('-9223372036854775808'),
        maybeInt: long('9223372036854775807'),
        someData: binary(Buffer.alloc(100_000, 0xab).toString('base64')),
        aDate: date('8640000000000000'),
        maybeDate: date('-62135596800000'),
        aFloat: double('Infinity'),
        aDouble: double('NaN'),
        aDecimal: decimal('9.999999999999999999999999999999999E+6144'),
        anything: double('-0.0'),
        ints: ['4611686018427387904', '-1'].map(long),
        anythings: [
          double('5e-324'),
          double('1.7976931348623157e+308'),
          double('-Infinity'),
          long('-9223372036854775808'),
        ],
      },
    },
  ];
}

function oid(hex: string): object {
  return { $oid: hex };
}

function long(digits: string): object {
  return { $numberLong: digits };
}

function double(digits: string): object {
  return { $numberDouble: digits };
}

function decimal(digits: string): object {
  return { $numberDecimal: digits };
}

function date(millis: string): object {
  return { $date: long(millis) };
}

function binary(base64: string, subType = '00'): object {
  return { $binary: { base64, subType } };
}
