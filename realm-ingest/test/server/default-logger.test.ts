import assert from 'node:assert/strict';
import { toErrorFields } from '../../src/server/default-logger.js';
import { StoreError } from '../../src/store/store-error.js';

describe('errors in log lines', () => {
  it('of ours have code, message and cause, and no stack', () => {
    const cause = new StoreError('store-full', 'no room on the disk', { retryable: true });
    const error = new StoreError('store-unavailable', 'a commit failed', { retryable: true, cause });
    assert.deepEqual(toErrorFields(error), {
      code: 'store-unavailable',
      message: error.message,
      cause: { code: 'store-full', message: cause.message },
    });
  });

  it('of a driver have type, code and message: no stack, and no other property', () => {
    const cause = Object.assign(new Error('connection lost'), {
      name: 'MongoNetworkError',
      code: 89,
      reason: { servers: {} },
    });
    const error = new StoreError('store-unavailable', 'a commit failed', { retryable: true, cause });
    assert.deepEqual(toErrorFields(error), {
      code: 'store-unavailable',
      message: error.message,
      cause: { type: 'MongoNetworkError', code: 89, message: 'connection lost' },
    });
  });

  it('of others have their stack, also as the cause of an unexpected error', () => {
    const cause = new RangeError('bug');
    const error = new StoreError('store-corrupt', 'page 7', { retryable: false, cause });
    assert.match((toErrorFields(error) as { cause: { stack: string } }).cause.stack, /default-logger\.test/);
  });

  it('of others have their stack', () => {
    const fields = toErrorFields(new TypeError('x')) as { type: string; stack: string };
    assert.equal(fields.type, 'TypeError');
    assert.match(fields.stack, /default-logger\.test/);
    assert.equal(toErrorFields('text'), 'text');
  });
});
