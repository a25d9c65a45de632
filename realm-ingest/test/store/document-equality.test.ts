import assert from 'node:assert/strict';
import { Binary, Decimal128, Double, Int32, ObjectId } from 'bson';
import fc from 'fast-check';
import type { DocumentValue } from '../../src/store/document.js';
import { equalDocuments } from '../../src/store/document-equality.js';
import { arbitraryDocument } from '../support/arbitrary-document.js';
import { map } from '../support/commit-request.js';

describe('equalDocuments', () => {
  const equal = (left: DocumentValue, right: DocumentValue) =>
    equalDocuments(map({ value: left }), map({ value: right }));
  const hex = (text: string) => Buffer.from(text, 'hex');

  it('holds for every document and itself', () => {
    fc.assert(fc.property(arbitraryDocument, (document) => equalDocuments(document, document)));
  });

  const equalPairs: [string, DocumentValue, DocumentValue][] = [
    ['NaN and NaN', new Double(Number.NaN), new Double(Number.NaN)],
    ['dates of one instant', new Date(5), new Date(5)],
    ['object ids of equal bytes', new ObjectId('0'.repeat(24)), new ObjectId('0'.repeat(24))],
    ['maps with their fields in another order', map({ a: null, b: true }), map({ b: true, a: null })],
  ];
  for (const [description, left, right] of equalPairs) {
    it(`holds for ${description}`, () => {
      assert.equal(equal(left, right), true);
    });
  }

  const differentPairs: [string, DocumentValue, DocumentValue][] = [
    ['-0 and 0', new Double(-0), new Double(0)],
    ['Int32 1 and Int64 1', new Int32(1), 1n],
    ['Int32 1 and Double 1', new Int32(1), new Double(1)],
    ['decimals 1 and 1.0', Decimal128.fromString('1'), Decimal128.fromString('1.0')],
    ['a string and an ObjectId of one text', '0'.repeat(24), new ObjectId('0'.repeat(24))],
    ['a date and its text', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['binaries of different subtypes', new Binary(hex('00')), new Binary(hex('00'), 5)],
    ['binaries of which one is longer', new Binary(hex('00')), new Binary(hex('0000'))],
    ['arrays in another order', [true, false], [false, true]],
    ['arrays of which one is longer', [true], [true, true]],
    ['an array and a map of the same', [true], map({ 0: true })],
    ['an empty array and an empty map', [], map({})],
    ['null and a map', null, map({})],
    ['maps with another field each', map({ a: null }), map({ b: null })],
    ['ingest of inner maps', map({ ingest: 1n }), map({ ingest: 2n })],
  ];
  for (const [description, left, right] of differentPairs) {
    it(`does not hold for ${description}`, () => {
      assert.equal(equal(left, right), false);
      assert.equal(equal(right, left), false);
    });
  }

  it('ignores ingest', () => {
    const bare = map({ a: 1n });
    const received = map({ a: 1n, ingest: map({ receivedAt: new Date(1) }) });
    assert.equal(equalDocuments(bare, received), true);
    assert.equal(equalDocuments(received, map({ a: 1n, ingest: map({ receivedAt: new Date(2) }) })), true);
  });
});
