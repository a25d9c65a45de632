import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreError } from '../../../src/store/store-error.js';
import { Database } from '../../../src/store/sqlite/database.js';
import { toStoreError } from '../../../src/store/sqlite/sqlite-error.js';

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

  it('of a file without permission say so', () => {
    // a path without a directory stands for one without permission: SQLite's code is the same, for any user
    const path = join(tmpdir(), 'no-such-directory', 'telemetry.db');
    assert.throws(
      () => new Database(path, 100),
      (error) => {
        assert.ok(error instanceof StoreError);
        assert.equal(
          error.message,
          `the store cannot be used now: ${path}: it cannot be opened (SQLite error 14). ` +
            'The user of realm-ingest must be able to read and write the file and its directory',
        );
        return true;
      },
    );
    assert.match(
      toStoreError(sqliteError(8), 'x').message,
      /words of SQLite\. The user of realm-ingest must be able/,
    );
    assert.doesNotMatch(toStoreError(sqliteError(5), 'x').message, /This user/);
  });

  it('without a code, and values that are not errors, may pass', () => {
    for (const thrown of [new Error('x'), 'x', null, undefined, { rawCode: 'x' }]) {
      assert.equal(toStoreError(thrown, 'x').code, 'store-unavailable');
    }
  });

  it('that are store errors stay unchanged', () => {
    const error = new StoreError('store-closed', 'x', { retryable: false });
    assert.equal(toStoreError(error, 'x'), error);
  });
});
