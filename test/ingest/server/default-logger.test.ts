import assert from 'node:assert/strict';
import { toErrorFields } from '../../../src/ingest/server/default-logger.js';
import { StoreError } from '../../../src/ingest/store/store-error.js';

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

  it('of others have their stack', () => {
    const fields = toErrorFields(new TypeError('x')) as { type: string; stack: string };
    assert.equal(fields.type, 'TypeError');
    assert.match(fields.stack, /default-logger\.test/);
    assert.equal(toErrorFields('text'), 'text');
  });
});
