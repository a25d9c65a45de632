import assert from 'node:assert/strict';
import { ErrorLog } from '../../src/sync/error-log.js';
import { SyncError } from '../../src/sync/sync-error.js';
import { RecordingLogger } from '../../../test/support/server/recording-logger.js';

describe('error log', () => {
  const linesOf = (error: () => unknown, users: readonly string[]): RecordingLogger['lines'] => {
    const logger = new RecordingLogger();
    const log = new ErrorLog();
    for (const user of users) log.write(logger, error(), user, 'ended');
    return logger.lines;
  };

  it('writes errors of one client once a minute for each user, at their level', () => {
    const lines = linesOf(() => new SyncError('sync-message-order', 'mark'), ['a', 'a', 'b', 'a']);
    assert.deepEqual(
      lines.map(({ level }) => level),
      ['warn', 'warn'],
    );
  });

  it('writes errors that meet all clients at once only once a minute', () => {
    const lines = linesOf(() => new SyncError('client-held-back', 'full'), ['a', 'b', 'c']);
    assert.equal(lines.length, 1);
  });

  it('writes faults as errors', () => {
    const [line] = linesOf(() => new TypeError('a fault'), ['a']);
    assert.equal(line?.level, 'error');
  });
});
