import assert from 'node:assert/strict';
import { calculateObjectSize, Double, Int32 } from 'bson';
import fc from 'fast-check';
import type { DocumentValue } from '../../src/store/document.js';
import { maxDocumentBytes, measureDocument, type Unstorable } from '../../src/store/document-limits.js';
import { arbitraryDocument } from '../support/arbitrary-document.js';
import { map } from '../support/commit-request.js';

describe('measureDocument', () => {
  const find = (fields: Record<string, DocumentValue>): Unstorable | undefined => {
    const found = measureDocument(map({ _id: 1n, ...fields }));
    return typeof found === 'number' ? undefined : found;
  };

  function nested(levels: number): DocumentValue {
    let value: DocumentValue = 'bottom';
    for (let level = 0; level < levels; level += 1) value = level % 2 ? map({ a: value }) : [value];
    return value;
  }

  it('accepts a valid document', () => {
    assert.equal(
      find({ a: [map({ '': new Double(Number.NaN) })], 'dots.too': null, $dollar: 'é😀' }),
      undefined,
    );
  });

  describe('too-large', () => {
    /** A document of this size: 5 bytes around it, 13 for `_id`, 3 for type and name of `t`, 5 around its text. */
    const ofSize = (bytes: number) => find({ t: 'x'.repeat(bytes - 5 - 13 - 3 - 5) });

    it('applies above 16 MiB of BSON, to the byte', () => {
      assert.equal(ofSize(maxDocumentBytes), undefined);
      assert.equal(ofSize(maxDocumentBytes + 1)?.reason, 'too-large');
    });

    it('counts as bson does', () => {
      const hasBsonType = (value: unknown): boolean =>
        typeof value === 'object' &&
        value !== null &&
        Object.entries(value).some(([name, inner]) => name === '_bsontype' || hasBsonType(inner));
      fc.assert(
        fc.property(arbitraryDocument, (fields) => {
          const document = Object.assign(map({ _id: 1n }), fields, { _id: 1n });
          fc.pre(!hasBsonType(document));
          assert.equal(measureDocument(document), calculateObjectSize(document));
        }),
      );
    });
  });

  describe('too-deep', () => {
    it('applies above 100 levels, with the document and every array and map', () => {
      assert.equal(find({ a: nested(99) }), undefined);
      assert.equal(find({ a: nested(100) })?.reason, 'too-deep');
    });

    it('is found before the stack overflows', () => {
      assert.equal(find({ a: nested(100_000) })?.reason, 'too-deep');
    });
  });

  const unstorable: [string, Record<string, DocumentValue>, RegExp][] = [
    ['NUL in a name', { a: [map({ 'b\0c': null })] }, /"b\\u0000c"/],
    ['a lone surrogate in a name', { '\ud800': null }, /lone surrogate/],
    ['a lone surrogate in a string', { a: 'x\udfff' }, /lone surrogate/],
    ['an integer beyond 64 bits', { a: 2n ** 63n }, /64 bits/],
    ['an invalid date', { a: new Date(Number.NaN) }, /invalid date/],
    ['an array as _id', { _id: [1n] }, /_id is an array/],
    ['a bare number', { a: 1 as unknown as DocumentValue }, /no BSON type/],
  ];
  for (const [description, fields, detail] of unstorable) {
    it(`refuses ${description}`, () => {
      const found = find(fields);
      assert.equal(found?.reason, 'unstorable-value');
      assert.match(found.detail, detail);
    });
  }

  it('refuses a document without _id, but accepts null', () => {
    assert.notEqual(typeof measureDocument(map({ a: null })), 'number');
    assert.equal(typeof measureDocument(map({ _id: null })), 'number');
  });

  it('accepts NUL in a string, and a user’s field _bsontype', () => {
    assert.equal(find({ a: '\0', b: map({ _bsontype: 'ObjectId', id: new Int32(1) }) }), undefined);
  });
});
