import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeFiles } from '../../src/platform/node/files.js';
import type { PlatformFiles, ProcessIdentity } from '../../src/platform/platform.js';
import { HeartbeatWatch, SILENCE_MILLIS, SlotLock } from '../../src/disk/slot-lock.js';
import { skip } from '../support/skip.js';

const holderPath = fileURLToPath(new URL('../support/slot-holder.ts', import.meta.url));

describe('SlotLock', function () {
  this.timeout(120_000);
  let directory: string;
  let now = 0;
  const children: ChildProcess[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'slot-lock-'));
    now = 0;
  });

  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  function acquire(files: PlatformFiles = nodeFiles, watch = new HeartbeatWatch(files, () => now)) {
    return SlotLock.acquire(files, directory, watch);
  }

  /** The platform as another process would see it. */
  function as(self: Partial<ProcessIdentity>, more: Partial<PlatformFiles> = {}): PlatformFiles {
    return { ...nodeFiles, ...more, self: { ...nodeFiles.self, ...self } };
  }

  async function startHolder(): Promise<ChildProcess> {
    const child = fork(holderPath, { execArgv: ['--import', 'tsx'] });
    children.push(child);
    await once(child, 'message');
    return child;
  }

  async function ask(child: ChildProcess, work: object): Promise<Record<string, unknown>> {
    child.send(work);
    const [answer] = (await once(child, 'message')) as [Record<string, unknown>];
    return answer;
  }

  it('is held by one at a time, and free again once released', () => {
    const lock = acquire();
    assert.ok(lock);
    assert.ok(lock.isHeld());
    assert.equal(acquire(), undefined);
    lock.release();
    const next = acquire();
    assert.ok(next?.isHeld());
    assert.equal(lock.isHeld(), false);
  });

  it('belongs to its former holder again if the new one withdraws', () => {
    const first = acquire()!;
    first.release();
    const second = acquire()!;
    assert.equal(first.isHeld(), false);
    second.withdraw();
    assert.equal(first.isHeld(), true);
    assert.equal(acquire()?.isHeld(), true);
  });

  it('lets nobody read who holds it', () => {
    acquire();
    for (const name of readdirSync(directory)) {
      assert.equal(statSync(join(directory, name)).mode & 0o077, 0, name);
    }
  });

  it('does not gather files', () => {
    for (let i = 0; i < 20; i += 1) acquire()?.release();
    assert.ok(readdirSync(directory).length <= 3);
  });

  it('is free at once if its process on this machine is dead', () => {
    acquire(as({ pid: 2 ** 22 + 1 })); // above the largest id that Linux gives
    assert.ok(acquire()?.isHeld());
  });

  it("is free if its process's id was reused", () => {
    if (nodeFiles.self.startTime === '') return; // this system does not tell start times
    acquire(as({ startTime: '1' }));
    assert.ok(acquire()?.isHeld());
  });

  for (const [whose, identity] of [
    ["another host's lock", { host: 'another', pid: 2 ** 22 + 1 }],
    ["another boot's lock", { bootId: 'another', pid: 2 ** 22 + 1 }],
    ["another container's lock", { pidNamespace: 'pid:[1]', pid: 2 ** 22 + 1 }],
    ['the lock of a system that tells no boots', { bootId: '', pid: 2 ** 22 + 1 }],
  ] as const) {
    it(`does not judge ${whose} by its process id, but by its heartbeat`, () => {
      const lock = acquire(as(identity));
      assert.ok(lock);
      const watch = new HeartbeatWatch(nodeFiles, () => now);
      assert.equal(acquire(nodeFiles, watch), undefined);
      now += SILENCE_MILLIS - 1;
      assert.equal(acquire(nodeFiles, watch), undefined);
      lock.beat();
      now += 1;
      assert.equal(acquire(nodeFiles, watch), undefined, 'it has beaten');
      now += SILENCE_MILLIS;
      assert.ok(acquire(nodeFiles, watch)?.isHeld(), 'it has not beaten since');
      assert.equal(lock.isHeld(), false, 'its holder sees that it lost it');
    });
  }

  it('waits for the text of a lock that is still being written', () => {
    writeFileSync(join(directory, 'lock-1'), '');
    const watch = new HeartbeatWatch(nodeFiles, () => now);
    assert.equal(acquire(nodeFiles, watch), undefined);
    now += SILENCE_MILLIS;
    assert.ok(acquire(nodeFiles, watch)?.isHeld());
  });

  it('cannot be taken with outdated knowledge', () => {
    acquire(as({ pid: 2 ** 22 + 1 }));
    // This process reads the directory; then two others take the slot and release it; then it goes on.
    let isFirstLook = true;
    const slow = as(
      {},
      {
        list(path) {
          const names = nodeFiles.list(path);
          if (isFirstLook) {
            isFirstLook = false;
            for (let i = 0; i < 5; i += 1) acquire()?.release();
          }
          return names;
        },
      },
    );
    assert.equal(acquire(slow), undefined);
    assert.ok(acquire()?.isHeld());
  });

  it('is won by exactly one of several processes that find it stale together', async () => {
    const directories = Array.from({ length: 200 }, (_, index) => join(directory, `slot-${index}`));
    for (const path of directories) {
      mkdirSync(path);
      SlotLock.acquire(as({ pid: 2 ** 22 + 1 }), path, new HeartbeatWatch(nodeFiles));
    }
    const racers = await Promise.all([startHolder(), startHolder(), startHolder()]);
    const answers = await Promise.all(racers.map((racer) => ask(racer, { acquire: directories })));
    const winners = answers.map(({ won }) => won as number[]);
    assert.deepEqual(
      winners.flat().sort((a, b) => a - b),
      directories.map((_, index) => index),
      `each slot has one winner: ${winners.map((won) => won.length).join(' + ')}`,
    );
  });

  it('stays with a living process, also a stopped one, and is free when that is killed', async function () {
    if (nodeFiles.self.bootId === '') skip(this, 'this system has no boot id');
    const holder = await startHolder();
    assert.deepEqual(await ask(holder, { acquire: [directory] }), { won: [0] });
    const watch = new HeartbeatWatch(nodeFiles, () => now);
    holder.kill('SIGSTOP');
    assert.equal(acquire(nodeFiles, watch), undefined);
    now += SILENCE_MILLIS * 10;
    assert.equal(acquire(nodeFiles, watch), undefined);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    assert.ok(acquire(nodeFiles, watch)?.isHeld());
  });
});
