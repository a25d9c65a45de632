import assert from 'node:assert/strict';
import { Binary, Decimal128, Double, Int32, ObjectId } from 'bson';
import type { DocumentValue } from '../../src/store/document.js';
import { documentKey } from '../../src/store/document-key.js';
import { map } from '../support/commit-request.js';

describe('documentKey', () => {
  const decimal = (text: string) => Decimal128.fromString(text);

  const oneKey: [string, DocumentValue[]][] = [
    ['1', [new Int32(1), 1n, new Double(1), decimal('1'), decimal('1.000'), decimal('10E-1')]],
    ['0', [new Int32(0), 0n, new Double(0), new Double(-0), decimal('-0'), decimal('0E+5')]],
    ['-15e-1', [new Double(-1.5), decimal('-1.5'), decimal('-1.50')]],
    ['9223372036854775807', [2n ** 63n - 1n, decimal('9223372036854775807')]],
    ['9223372036854775808', [new Double(2 ** 63), decimal('9223372036854775808')]],
    ['1e300', [decimal('1E+300'), decimal('10E+299')]],
    ['{"$number":"NaN"}', [new Double(Number.NaN), decimal('NaN')]],
    ['{"$number":"-Infinity"}', [new Double(-Infinity), decimal('-Infinity')]],
    ['null', [null]],
    ['"1"', ['1']],
    ['"{\\"$oid\\":\\"000000000000000000000000\\"}"', ['{"$oid":"000000000000000000000000"}']],
    ['{"$oid":"000000000000000000000000"}', [new ObjectId('0'.repeat(24))]],
    ['{"$$oid":"000000000000000000000000"}', [map({ $oid: '0'.repeat(24) })]],
    ['{"$uuid":"00000000-0000-0000-0000-000000000000"}', [new Binary(new Uint8Array(16), 4)]],
    ['{"$binary":{"base64":"AA==","subType":"00"}}', [new Binary(new Uint8Array(1))]],
    ['{"$date":5}', [new Date(5)]],
    [
      '{"a":1,"b":[2,true]}',
      [map({ a: 1n, b: [2n, true] }), map({ a: new Double(1), b: [new Int32(2), true] })],
    ],
    ['{"b":[2,true],"a":1}', [map({ b: [2n, true], a: 1n })]],
  ];
  for (const [key, ids] of oneKey) {
    it(`is ${key} for ${ids.length} form${ids.length === 1 ? '' : 's'} of it`, () => {
      for (const id of ids) assert.equal(documentKey(id), key);
    });
  }

  it('differs for a double and a decimal that is only close to it', () => {
    assert.notEqual(documentKey(new Double(0.1)), documentKey(decimal('0.1')));
    assert.equal(documentKey(new Double(0.1)), '1000000000000000055511151231257827021181583404541015625e-55');
  });

  it('works for the smallest and the largest double', () => {
    assert.match(documentKey(new Double(5e-324)), /^4940656458\d+e-1074$/);
    assert.match(documentKey(new Double(Number.MAX_VALUE)), /^17976931348623157\d+(?:e\d+)?$/);
  });
});
