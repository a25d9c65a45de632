import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { errorTable, InvalidOptionError, RealmTelemetryError, type ErrorCode } from '../src/errors.js';

const sourceRoot = new URL('../src/', import.meta.url);

interface Row {
  readonly code: string;
  readonly level: string;
}

/** The rows of README's table of error codes: `| code | level | meaning |`. */
function readmeRows(): Row[] {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const rows = [...readme.matchAll(/^\| *`([a-z-]+)` *\| *(debug|info|warn|error) *\| *\S.*\|$/gm)];
  return rows.map(([, code = '', level = '']) => ({ code, level }));
}

describe('the table of errors', () => {
  it('is in the README, whole, with its levels', () => {
    const table = Object.entries(errorTable).map(([code, { level }]) => ({ code, level }));
    const byCode = (a: Row, b: Row): number => (a.code < b.code ? -1 : 1);
    assert.deepEqual(readmeRows().sort(byCode), table.sort(byCode));
  });

  it('has no code that nothing raises', () => {
    const text = readdirSync(sourceRoot, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.c?ts$/.test(file) && file !== 'errors.ts')
      .map((file) => readFileSync(new URL(file.replaceAll('\\', '/'), sourceRoot), 'utf8'))
      .join('\n');
    const unused = Object.keys(errorTable).filter(
      (code) => code !== 'invalid-option' && !text.includes(`'${code}'`),
    );
    assert.deepEqual(unused, []);
  });

  it('has messages that stand before a colon', () => {
    for (const [code, { message }] of Object.entries(errorTable)) {
      assert.match(message, /^[^\s].*[^\s.:!]$/, code);
    }
  });
});

describe('RealmTelemetryError', () => {
  class StorageError extends RealmTelemetryError {}

  it('says what happened, then the particulars, and keeps the cause', () => {
    const cause = new Error('ENOSPC');
    const error = new StorageError('export-failed', '3 records were not stored', { cause });
    assert.equal(error.message, `${errorTable['export-failed'].message}: 3 records were not stored`);
    assert.equal(error.code satisfies ErrorCode, 'export-failed');
    assert.equal(error.level, errorTable['export-failed'].level);
    assert.equal(error.name, 'StorageError');
    assert.equal(error.cause, cause);
    assert.ok(error instanceof Error);
  });

  it('is known by its brand, whichever build made it', () => {
    assert.ok(RealmTelemetryError.isError(new StorageError('export-failed', '')));
    const ofAnotherBuild = Object.assign(new Error(), {
      [Symbol.for('opentelemetry-exporter-realm.error')]: true,
    });
    assert.ok(RealmTelemetryError.isError(ofAnotherBuild));
    for (const other of [new Error(), {}, null, undefined, 'export-failed', () => undefined]) {
      assert.ok(!RealmTelemetryError.isError(other));
    }
  });
});

describe('InvalidOptionError', () => {
  for (const [value, quoted] of [
    ['s', '"s"'],
    [-1, '-1'],
    [NaN, 'NaN'],
    [undefined, 'undefined'],
    [null, 'null'],
    [10n, '10'],
    [[1], 'an array'],
    [{ password: 'secret' }, 'an object'],
    [() => 'secret', 'a function'],
    [Symbol('s'), 'Symbol(s)'],
  ] as const) {
    it(`names the option, quotes ${quoted} and says what would be right`, () => {
      const error = new InvalidOptionError('--port', value, 'an integer');
      assert.equal(error.option, '--port');
      assert.equal(error.code, 'invalid-option');
      assert.equal(error.message, `invalid option: --port is ${quoted}; expected an integer`);
    });
  }
});
