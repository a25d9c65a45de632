import assert from 'node:assert/strict';
import { InvalidOptionError, RealmTelemetryError } from '../../src/wire/telemetry-error.js';

describe('RealmTelemetryError', () => {
  const entry = { level: 'warn', message: 'records were not stored' } as const;

  class StorageError extends RealmTelemetryError<'storage-failed'> {
    constructor(particulars: string, options?: ErrorOptions) {
      super('storage-failed', entry, particulars, options);
    }
  }

  it('says what happened, then the particulars, and keeps the cause', () => {
    const cause = new Error('ENOSPC');
    const error = new StorageError('3 of them', { cause });
    assert.equal(error.message, 'records were not stored: 3 of them');
    assert.equal(error.code, 'storage-failed');
    assert.equal(error.level, 'warn');
    assert.equal(error.name, 'StorageError');
    assert.equal(error.cause, cause);
    assert.ok(error instanceof Error);
  });

  it('is known by its brand, whichever build made it', () => {
    assert.ok(RealmTelemetryError.isError(new StorageError('')));
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
