import assert from 'node:assert/strict';
import { ErrorAnswers } from '../../src/server/http-answer.js';
import { StoreError } from '../../src/store/store-error.js';
import { RecordingLogger } from '../../../test/support/server/recording-logger.js';

const closed = new StoreError('store-closed', 'store.db was closed', { retryable: false });
const unavailable = new StoreError('store-unavailable', 'no answer', { retryable: true });
const corrupt = new StoreError('store-corrupt', 'page 7', { retryable: false });

describe('the answers to errors of the store', () => {
  function statusesAndLines(isClosing: boolean): [number[], number] {
    const logger = new RecordingLogger();
    const answers = new ErrorAnswers(logger, () => isClosing);
    const statuses = [closed, unavailable, corrupt].map((error) => answers.toAnswer(error).status);
    return [statuses, logger.lines.length];
  }

  it('are 503, with a log line for each kind', () => {
    assert.deepEqual(statusesAndLines(false), [[503, 503, 503], 3]);
  });

  it('are logged only for a damaged store while the server closes', () => {
    assert.deepEqual(statusesAndLines(true), [[503, 503, 503], 1]);
  });
});
