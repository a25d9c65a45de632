import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WorkerChannel } from '../../../src/store/sqlite/worker-channel.js';
import { isStoreError } from '../../support/store-fixture.js';

describe('WorkerChannel', () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'worker-channel-'));
    path = join(directory, 'telemetry.db');
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it('rejects the calls of a thread that dies', async () => {
    const channel = new WorkerChannel({
      path,
      mode: 'serve',
      maxDeadLetterBytes: 0,
      classPrefix: '',
      busyTimeoutMillis: 0,
    });
    await channel.opened;
    const pings = [channel.call('ping'), channel.call('ping')];
    const settled = Promise.allSettled(pings);
    await channel.terminate();
    await settled;
    const { code, retryable } = await channel.failed;
    assert.deepEqual({ code, retryable }, { code: 'store-closed', retryable: false });
    await assert.rejects(channel.call('ping'), isStoreError('store-closed', false));
    await channel.close();
  });

  it('rejects if the file cannot be opened, and ends its thread', async () => {
    const channel = new WorkerChannel({
      path: `${path}/missing.db`,
      mode: 'read',
      maxDeadLetterBytes: 0,
      classPrefix: '',
      busyTimeoutMillis: 0,
    });
    await assert.rejects(channel.opened, isStoreError('store-not-found', false));
    await channel.failed;
  });
});
