import assert from 'node:assert/strict';
import { StoreError } from '../../../../src/ingest/store/store-error.js';
import { toStoreError } from '../../../../src/ingest/store/sqlite/sqlite-error.js';

describe('SQLite’s errors', () => {
  const sqliteError = (rawCode: number) => Object.assign(new Error('words of SQLite'), { rawCode });

  const table: [string, number, string, boolean][] = [
    ['BUSY', 5, 'store-unavailable', true],
    ['BUSY_SNAPSHOT', 517, 'store-unavailable', true],
    ['LOCKED', 6, 'store-unavailable', true],
    ['NOMEM', 7, 'store-unavailable', true],
    ['READONLY', 8, 'store-unavailable', true],
    ['IOERR', 10, 'store-unavailable', true],
    ['IOERR_FSYNC', 1034, 'store-unavailable', true],
    ['CORRUPT', 11, 'store-corrupt', false],
    ['CORRUPT_INDEX', 779, 'store-corrupt', false],
    ['FULL', 13, 'store-full', true],
    ['CANTOPEN', 14, 'store-unavailable', true],
    ['NOTADB', 26, 'store-corrupt', false],
  ];
  for (const [name, rawCode, code, retryable] of table) {
    it(`${name} is ${code}, ${retryable ? 'to be tried again' : 'for good'}`, () => {
      const cause = sqliteError(rawCode);
      const error = toStoreError(cause, '/data/telemetry.db');
      assert.deepEqual({ code: error.code, retryable: error.retryable }, { code, retryable });
      assert.equal(error.cause, cause);
      assert.match(error.message, /\/data\/telemetry\.db: words of SQLite/);
    });
  }

  it('of no code, and what is no error at all, may pass', () => {
    for (const thrown of [new Error('x'), 'x', null, undefined, { rawCode: 'x' }]) {
      assert.equal(toStoreError(thrown, 'x').code, 'store-unavailable');
    }
  });

  it('that are the store’s already stay what they are', () => {
    const error = new StoreError('store-closed', 'x', { retryable: false });
    assert.equal(toStoreError(error, 'x'), error);
  });
});
