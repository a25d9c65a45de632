import assert from 'node:assert/strict';
import { copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import sinon from 'sinon';
import Realm from '../support/engine/realm.mjs';
import { eventually } from '../support/eventually.js';
import { createScratch, type Scratch } from '../support/scratch.js';
import { connect } from '../../src/delivery/connect.js';
import type { Connection } from '../../src/delivery/connection.js';
import { recordTarget } from '../../src/delivery/record-target.js';
import { HEARTBEAT_MILLIS } from '../../src/disk/slot-lock.js';

describe('the slots of a connection', function () {
  this.timeout(30_000);
  let scratch: Scratch;
  let connection: Connection;

  beforeEach(async () => {
    scratch = await createScratch();
  });

  afterEach(async () => {
    sinon.restore();
    await connection.close();
    await scratch.remove();
  });

  function start(directory: string): void {
    connection = connect({
      ...{ Realm, appId: 'slots', baseUrl: 'http://127.0.0.1:9', serviceName: 'shop', directory },
      credentials: Realm.Credentials.anonymous(),
    });
  }

  function write(name: string): Promise<{ readonly stored: number; readonly error?: Error }> {
    const target = connection[recordTarget];
    const values = { _id: new target.ObjectId(), name, startTimeUnixNano: 1n, durationNano: 5n };
    return target.write([{ kind: 'span', className: 'Span', values, notes: [], sizeBytes: 100 }]);
  }

  it('are opened as soon as possible, for example when a disk is mounted late', async () => {
    const mountPoint = join(scratch.path, 'disk');
    await writeFile(mountPoint, 'not yet');
    start(mountPoint);
    const { stored, error } = await write('early');
    assert.equal(stored, 0);
    assert.match(error?.message ?? '', /disk/);
    assert.equal(connection.status.lastError?.code, 'write-failed');
    assert.equal(await connection.flush(100), false);

    await rm(mountPoint);
    await mkdir(mountPoint);
    let refused = 1;
    for (; (await write('later')).stored === 0; refused += 1) await delay(20);
    assert.deepEqual([connection.status.spooled, connection.status.dropped['write-failed']], [1, refused]);
  });

  it('are replaced if another process takes one over', async () => {
    const clock = sinon.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    start(scratch.path);
    assert.equal((await write('in the first')).stored, 1);
    const locks = await findLocks(scratch.path);
    assert.equal(locks.length, 1);
    await copyFile(locks[0]!, locks[0]!.replace(/lock-1$/, 'lock-2'));
    clock.tick(HEARTBEAT_MILLIS);
    assert.match(connection.status.lastError?.message ?? '', /another process took the slot over/);
    await eventually('a slot', async () => (await write('in the second')).stored === 1);
    const slots = (await findLocks(scratch.path)).map((path) => /slot-\d+/.exec(path)?.[0]);
    assert.deepEqual(slots.sort(), ['slot-0', 'slot-0', 'slot-1']);
  });
});

async function findLocks(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true });
  return entries.filter((path) => /lock-\d+$/.test(path)).map((path) => join(directory, path));
}
