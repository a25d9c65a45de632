import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeFiles } from '../../src/platform/node/files.js';
import { FileSlotStore, MemorySlotStore } from '../../src/disk/slot.js';

const holderPath = fileURLToPath(new URL('../support/slot-holder.ts', import.meta.url));

describe('FileSlotStore', function () {
  this.timeout(120_000);
  let directory: string;
  const children: ChildProcess[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'slots-'));
  });

  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  const where = (appId = 'app') => ({ directory, serviceName: 'shop/eu', appId });
  const store = (appId?: string) => new FileSlotStore(nodeFiles, where(appId));

  async function startHolder(unsent?: number): Promise<{ child: ChildProcess; slot: string }> {
    const child = fork(holderPath, { execArgv: ['--import', 'tsx'] });
    children.push(child);
    await once(child, 'message');
    child.send({ store: where(), unsent });
    const [answer] = (await once(child, 'message')) as [{ slot: string }];
    return { child, slot: answer.slot };
  }

  it('gives each holder the lowest free slot, in a directory of the service that others cannot enter', () => {
    const first = store().acquire();
    const second = store().acquire();
    assert.equal(first.directory, join(directory, 'shop%2Feu', 'slot-0', 'app'));
    assert.equal(second.directory, join(directory, 'shop%2Feu', 'slot-1', 'app'));
    first.release();
    assert.equal(store().acquire().directory, first.directory);
    for (let path = first.directory; path !== directory; path = join(path, '..')) {
      assert.equal(statSync(path).mode & 0o777, 0o700, path);
    }
  });

  it('skips the slots that it is told to skip', () => {
    const first = store().acquire();
    first.markUnsent(1);
    first.release();
    assert.equal(store().adopt(new Set([first.number])), undefined);
    const second = store().acquire(new Set([first.number]));
    assert.equal(second.directory, join(directory, 'shop%2Feu', 'slot-1', 'app'));
    assert.equal(store().acquire().number, first.number);
  });

  it('knows which slots wait to be adopted, without taking them', () => {
    const slots = [store().acquire(), store().acquire(), store().acquire()] as const;
    slots[0].markUnsent(7);
    slots[1].markUnsent(8);
    slots[0].release();
    slots[2].release();
    assert.deepEqual(store().orphans(), [{ number: 0, records: 7 }]);
    assert.deepEqual(store('another app').orphans(), []);
    assert.equal(store().adopt()?.number, 0);
    assert.deepEqual(store().orphans(), []);
  });

  it('adopts a slot that was left with unsent records, lowest first, and no other', () => {
    const sent = store().acquire();
    const unsent = store().acquire();
    const held = store().acquire();
    const later = store().acquire();
    unsent.markUnsent(7);
    held.markUnsent(1);
    later.markUnsent(2);
    for (const slot of [sent, unsent, later]) slot.release();
    const mine = store();
    const first = mine.adopt();
    assert.ok(first);
    assert.equal(first.directory, unsent.directory);
    assert.equal(first.readUnsent(), 7);
    assert.equal(mine.adopt()?.directory, later.directory);
    assert.equal(mine.adopt(), undefined);
    first.markSent();
    first.release();
    assert.equal(mine.adopt(), undefined, 'what was sent is not adopted again');
  });

  it("leaves another app's records alone", () => {
    const slot = store('other').acquire();
    slot.markUnsent(3);
    slot.release();
    assert.equal(store('app').adopt(), undefined);
    assert.equal(store('other').adopt()?.readUnsent(), 3);
  });

  it("measures this app's files in all slots, whoever holds them, and no other's", () => {
    const [first, second] = [store().acquire(), store().acquire()];
    const other = store('other').acquire();
    const write = (path: string, bytes: number): void => {
      nodeFiles.write(path, 'x'.repeat(bytes));
    };
    write(first.path('spool.realm'), 1000);
    nodeFiles.makePrivateDirectory(first.path('mongodb-realm'));
    write(join(first.path('mongodb-realm'), 'metadata'), 50);
    write(second.path('user-1.realm'), 300);
    write(other.path('spool.realm'), 7000);
    assert.equal(store().sizeBytes(), 1350);
    assert.equal(first.sizeBytes(first.path('spool.realm')), 1000);
    assert.equal(first.sizeBytes(first.path('none.realm')), 0);
  });

  it('reads a damaged mark as an unknown number of records', () => {
    const slot = store().acquire();
    nodeFiles.write(slot.path('unsent'), 'x');
    assert.equal(slot.readUnsent(), 0);
  });

  it('gives worker processes a slot each, and their slots to whoever comes after they were killed', async () => {
    const workers = await Promise.all([startHolder(3), startHolder(2), startHolder()]);
    const slots = workers.map(({ slot }) => slot).sort();
    assert.deepEqual(
      slots,
      [0, 1, 2].map((number) => join(directory, 'shop%2Feu', `slot-${number}`, 'app')),
    );
    const survivor = store();
    assert.equal(survivor.adopt(), undefined, 'all of them live');
    for (const { child } of workers) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    if (nodeFiles.self.bootId === '') return; // this system does not tell boots: only heartbeats would
    const own = survivor.acquire();
    assert.equal(own.directory, slots[0]);
    const left = workers.filter(({ slot }, index) => index < 2 && slot !== own.directory);
    for (const { slot } of left.sort((a, b) => (a.slot < b.slot ? -1 : 1))) {
      assert.equal(survivor.adopt()?.directory, slot);
    }
    assert.equal(survivor.adopt(), undefined);
    assert.ok(existsSync(own.path('.')));
  });
});

describe('MemorySlotStore', () => {
  it('keeps the connections of one process apart, and reuses names', () => {
    const store = new MemorySlotStore({ serviceName: 'shop', appId: 'app' });
    const first = store.acquire();
    const second = store.acquire();
    assert.notEqual(first.path('spool.realm'), second.path('spool.realm'));
    first.release();
    assert.equal(store.acquire().path('spool.realm'), first.path('spool.realm'));
    second.release();
    assert.equal(store.adopt(), undefined);
  });
});
