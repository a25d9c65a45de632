import assert from 'node:assert/strict';
import { MongoServerError } from 'mongodb';
import { isAccessRefused, toStoreError } from '../../../src/store/mongodb/mongodb-error.js';

describe('an error of MongoDB', () => {
  const serverError = (code: number, errmsg: string) => new MongoServerError({ ok: 0, code, errmsg });

  it('may be Atlas’s refusal of access', () => {
    const refused = [
      serverError(13, 'not authorized on telemetry to execute command'),
      serverError(18, 'Authentication failed.'),
      serverError(8000, 'bad auth : Authentication failed.'),
      serverError(8000, 'user is not allowed to do action [insert] on [telemetry.Span]'),
    ];
    for (const error of refused) {
      assert.equal(isAccessRefused(error), true, error.message);
      assert.equal(isAccessRefused(toStoreError(error, 'telemetry')), true, error.message);
    }
    const others = [
      serverError(8000, 'you are over your space quota, using 513 MB of 512 MB'),
      serverError(10107, 'not primary'),
      new Error('bad auth'),
    ];
    for (const error of others) assert.equal(isAccessRefused(error), false, error.message);
  });

  it('tells a full store from an unavailable one; both are retryable', () => {
    const codes = [
      serverError(8000, 'you are over your space quota, using 513 MB of 512 MB'),
      serverError(14031, 'Cannot write: disk space is low'),
      serverError(8000, 'internal atlas error checking things: no primary'),
      serverError(189, 'primary stepped down'),
    ].map((error) => toStoreError(error, 'telemetry'));
    assert.deepEqual(
      codes.map(({ code }) => code),
      ['store-full', 'store-full', 'store-unavailable', 'store-unavailable'],
    );
    assert.ok(codes.every(({ retryable }) => retryable));
  });

  it('quotes no password', () => {
    const { message } = toStoreError(new Error('no server at mongodb://u:secret@host/db'), 'telemetry');
    assert.match(message, /mongodb:\/\/…@host\/db/);
  });
});
