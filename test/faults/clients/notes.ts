/**
 * Objects of a class that is not ours, with the documents that are to come of them.
 *
 * @module
 */
import type Realm from '../../support/engine/realm.mjs';
import { BSON } from '../../support/engine/realm.mjs';
import type { Random } from '../random.js';
import type { ExpectedRecord } from './expected-record.js';
import { bytes } from './values.js';

export const noteSchema: Realm.ObjectSchema[] = [
  {
    name: 'Note',
    asymmetric: true,
    primaryKey: '_id',
    properties: {
      _id: 'objectId',
      key: 'string',
      text: 'string',
      count: 'int',
      ratio: 'double',
      data: 'data',
      at: 'date?',
      tags: 'string[]',
      values: 'mixed{}',
      place: 'Place',
    },
  },
  { name: 'Place', embedded: true, properties: { name: 'string', floor: 'int?' } },
];

/** One object: the argument of `realm.create`, and the document to expect. */
export function drawNote(
  random: Random,
  key: string,
  padding: string,
): { values: object; expected: ExpectedRecord } {
  const id = new BSON.ObjectId();
  const count = random.pick([0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), BigInt(random.integer(0, 1e9))]);
  const data = bytes(random.bytes(random.integer(0, 30)));
  // Realm takes a second off a date before 1970 that is not of a whole second.
  const at = random.chance(0.5) ? random.pick([-1000, 0, random.integer(0, 2e12)]) : undefined;
  const tags = Array.from({ length: random.integer(0, 3) }, (_, n) => `tag ${n} ☃`);
  const text = `a note ${padding}`;
  const hasPlace = random.chance(0.5);
  return {
    values: {
      _id: id,
      key,
      text,
      count,
      ratio: Number.NaN,
      data: data.given.buffer,
      ...(at !== undefined && { at: new Date(at) }),
      tags,
      values: { big: 2n ** 53n + 1n, half: 0.5, nothing: null, yes: true },
      ...(hasPlace && { place: { name: 'deck', floor: -1 } }),
    },
    expected: {
      collection: 'Note',
      key,
      document: {
        _id: { $oid: id.toHexString() },
        key,
        text,
        count: { $numberLong: String(count) },
        ratio: { $numberDouble: 'NaN' },
        data: data.stored,
        ...(at !== undefined && { at: { $date: { $numberLong: String(at) } } }),
        ...(tags.length > 0 && { tags }),
        values: {
          big: { $numberLong: String(2n ** 53n + 1n) },
          half: { $numberDouble: '0.5' },
          nothing: null,
          yes: true,
        },
        ...(hasPlace && { place: { name: 'deck', floor: { $numberLong: '-1' } } }),
      },
    },
  };
}
