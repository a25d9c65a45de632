import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { engineName } from '../support/engine/realm.mjs';
import { eventually } from '../support/eventually.js';
import { startIngest, type Ingest } from '../support/ingest.js';
import { Network } from '../support/network.js';
import { createScratch, type Scratch } from '../support/scratch.js';
import { storedDeadLetters, storedDocuments } from '../support/stored.js';
import { nodeFiles } from '../../src/platform/node/files.js';
import type { WorkerAnswer, WorkerOrder, WorkerSettings } from '../support/connection-worker.js';
import { skip } from '../support/skip.js';

const workerPath = fileURLToPath(new URL('../support/connection-worker.ts', import.meta.url));
const appId = 'workers';
const MiB = 2 ** 20;

describe('a connection whose process is killed (native engine)', function () {
  this.timeout(600_000);
  let scratch: Scratch;
  let network: Network;
  let server: Ingest;
  const workers = new Set<Worker>();

  before(function () {
    // The WebAssembly engine keeps its files in memory: they go with their process.
    if (engineName !== 'native') skip(this, 'the native engine is not installed');
  });

  beforeEach(async () => {
    scratch = await createScratch();
    network = await Network.create();
    server = await startIngest({ appId, store: scratch.store });
  });

  afterEach(async () => {
    await Promise.all([...workers].map((worker) => worker.kill()));
    await server.close();
    await network.close();
    await scratch.remove();
  });

  class Worker {
    readonly #child: ChildProcess;
    readonly #exit: Promise<unknown>;

    constructor(settings: Omit<WorkerSettings, 'baseUrl' | 'appId' | 'directory'>) {
      const all = { baseUrl: network.url, appId, directory: scratch.path, ...settings };
      this.#child = fork(workerPath, [JSON.stringify(all)], { execArgv: ['--import', 'tsx'] });
      this.#exit = once(this.#child, 'exit');
      workers.add(this);
    }

    /** Whether it runs. */
    get isAlive(): boolean {
      return this.#child.exitCode === null && this.#child.signalCode === null;
    }

    static async start(settings: Omit<WorkerSettings, 'baseUrl' | 'appId' | 'directory'>): Promise<Worker> {
      const worker = new Worker(settings);
      await worker.#answer();
      return worker;
    }

    async tell(order: WorkerOrder): Promise<WorkerAnswer> {
      const answer = this.#answer();
      this.#child.send(order);
      return answer;
    }

    /** Reports success for `count` spans, named `<name>-1` and so on. */
    async write(count: number): Promise<void> {
      const { stored, failed } = await this.tell({ write: count });
      assert.deepEqual({ stored, failed }, { stored: count, failed: 0 });
    }

    async kill(): Promise<void> {
      workers.delete(this);
      this.#child.kill('SIGKILL');
      await this.#exit;
    }

    async #answer(): Promise<WorkerAnswer> {
      const ended = this.#exit.then((reason) => {
        throw new Error(`the worker has ended: ${String(reason)}`);
      });
      const [answer] = (await Promise.race([once(this.#child, 'message'), ended])) as [WorkerAnswer];
      return answer;
    }
  }

  const namesOf = (name: string, count: number) =>
    Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);

  /** In the order in which they arrived. */
  async function arrived(): Promise<string[]> {
    return (await storedDocuments(scratch.store, 'Span')).map(({ name }) => String(name));
  }

  async function arriveExactly(expected: readonly string[]): Promise<void> {
    await eventually(
      'all that was reported',
      async () => (await arrived()).length,
      (count) => count >= expected.length,
      150_000,
    );
    assert.deepEqual((await arrived()).sort(), [...expected].sort());
    assert.deepEqual(await storedDeadLetters(scratch.store), []);
  }

  it('loses nothing of a spool over several kills, and delivers it in order', async () => {
    for (const name of ['a', 'b', 'c']) {
      const worker = await Worker.start({ name });
      await worker.write(400);
      await worker.kill();
    }
    network.connectTo(server.url);
    const heir = await Worker.start({ name: 'd' });
    await heir.write(10);
    const expected = [...namesOf('a', 400), ...namesOf('b', 400), ...namesOf('c', 400)];
    await arriveExactly([...expected, ...namesOf('d', 10)]);
    const earlier = (await arrived()).filter((name) => !name.startsWith('d'));
    assert.deepEqual(earlier, expected);
  });

  it('loses nothing of a synced Realm over several kills', async () => {
    network.connectTo(server.url);
    const first = await Worker.start({ name: 'first' });
    await first.tell({ open: true });
    await first.write(10);
    assert.equal((await first.tell({ flush: 30_000 })).flushed, true);
    network.cut();
    await first.write(300);
    await first.kill();
    for (const name of ['second', 'third']) {
      const worker = await Worker.start({ name });
      await worker.tell({ open: true }); // offline, with the cached user
      await worker.write(300);
      await worker.kill();
    }
    network.connectTo(server.url);
    const heir = await Worker.start({ name: 'heir' });
    await heir.write(1);
    await arriveExactly([
      ...namesOf('first', 310),
      ...namesOf('second', 300),
      ...namesOf('third', 300),
      'heir-1',
    ]);
  });

  it('loses and repeats nothing when it is killed while the spool moves and is uploaded', async () => {
    const first = await Worker.start({ name: 'first' });
    await first.write(5000);
    await first.kill();
    const expected = namesOf('first', 5000);
    network.connectTo(server.url);
    for (const [round, millis] of [150, 400, 900, 1500].entries()) {
      const name = `round${round}`;
      const worker = await Worker.start({ name });
      await worker.write(20);
      expected.push(...namesOf(name, 20));
      await delay(millis);
      await worker.kill();
    }
    await Worker.start({ name: 'heir' });
    await arriveExactly(expected);
  });

  it('leaves its slot to others when three are killed offline and one comes back', async () => {
    const counts = { a: 50, b: 40, c: 30 };
    const three = await Promise.all(
      Object.entries(counts).map(async ([name, count]) => {
        const worker = await Worker.start({ name });
        await worker.write(count);
        return worker;
      }),
    );
    await Promise.all(three.map((worker) => worker.kill()));
    const heir = await Worker.start({ name: 'd' });
    await heir.write(10);
    assert.equal((await heir.tell({ flush: 500 })).flushed, false, 'slots wait to be adopted');
    network.connectTo(server.url);
    assert.equal((await heir.tell({ flush: 60_000 })).flushed, true);
    assert.equal((await arrived()).length, 130);
    await arriveExactly([
      ...Object.entries(counts).flatMap(([name, count]) => namesOf(name, count)),
      ...namesOf('d', 10),
    ]);
  });

  it('leaves its files to a new process when it shuts down with unsent records and lives on', async () => {
    network.connectTo(server.url);
    const first = await Worker.start({ name: 'first' });
    await first.tell({ open: true });
    await first.write(10);
    assert.equal((await first.tell({ flush: 30_000 })).flushed, true);
    const expected: string[] = [];
    let before = first;
    let nameBefore = 'first';
    for (const name of ['second', 'third', 'fourth']) {
      network.cut();
      await before.write(5);
      await before.tell({ shutdown: true });
      const next = await Worker.start({ name });
      await next.tell({ open: true }); // offline, with the cached user: the earlier session cannot have ended by itself
      network.connectTo(server.url);
      await next.write(10);
      assert.equal((await next.tell({ flush: 30_000 })).flushed, true);
      assert.ok(before.isAlive && next.isAlive);
      expected.push(...namesOf(nameBefore, 15));
      [before, nameBefore] = [next, name];
    }
    await arriveExactly([...expected, ...namesOf(nameBefore, 10)]);
  });

  it('may close with unsent records and connect to another address in the same process', async () => {
    network.connectTo(server.url);
    const worker = await Worker.start({ name: 'w' });
    await worker.tell({ open: true });
    await worker.write(10);
    assert.equal((await worker.tell({ flush: 30_000 })).flushed, true);
    network.cut();
    await worker.write(10);
    await worker.tell({ moveTo: server.url });
    await worker.tell({ open: true });
    await worker.write(10);
    assert.equal((await worker.tell({ flush: 30_000 })).flushed, true);
    await arriveExactly(namesOf('w', 30));
  });

  it('skips a slot whose files another process has open, for example a stopped one that seemed dead', async () => {
    network.connectTo(server.url);
    const holder = await Worker.start({ name: 'holder' });
    await holder.tell({ open: true });
    await holder.write(10);
    const lock = join(scratch.path, 'workers', 'slot-0', 'lock-1');
    const text = JSON.parse(await readFile(lock, 'utf8')) as object;
    await writeFile(lock, JSON.stringify({ ...text, released: true }));
    const newcomer = await Worker.start({ name: 'newcomer' });
    await newcomer.tell({ open: true });
    await newcomer.write(10);
    await arriveExactly([...namesOf('holder', 10), ...namesOf('newcomer', 10)]);
    assert.ok(holder.isAlive && newcomer.isAlive);
    assert.ok((await readdir(join(scratch.path, 'workers'))).includes('slot-1'));
  });

  it('survives connections that are cut inside HTTP bodies, and delivers once they are whole', async () => {
    let cuts = 0;
    const cutting = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"hostname":');
      setImmediate(() => response.destroy());
      cuts += 1;
    }).listen(0, '127.0.0.1');
    try {
      await once(cutting, 'listening');
      network.connectTo(`http://127.0.0.1:${(cutting.address() as AddressInfo).port}`);
      const worker = await Worker.start({ name: 'w' });
      await worker.write(1);
      await eventually(
        'two cuts',
        () => cuts,
        (count) => count >= 2,
      );
      network.connectTo(server.url);
      assert.equal((await worker.tell({ flush: 60_000 })).flushed, true);
      assert.ok(worker.isAlive);
      await arriveExactly(['w-1']);
    } finally {
      cutting.close();
    }
  });

  it('shuts down without a wait if everything is acknowledged, however short the program is', async () => {
    network.connectTo(server.url);
    const names = Array.from({ length: 6 }, (_, index) => `short${index}`);
    for (const name of names) {
      const worker = await Worker.start({ name });
      await worker.write(1);
      const begun = performance.now();
      await worker.tell({ shutdown: true });
      assert.ok(performance.now() - begun < 8000, 'it waited until its time was over');
      assert.equal((await arrived()).at(-1), `${name}-1`);
      await worker.kill();
    }
  });

  it('does not dial while it is paused, not even with the user of the last run', async () => {
    network.connectTo(server.url);
    const first = await Worker.start({ name: 'first' });
    await first.tell({ open: true });
    await first.kill();
    const dialled = network.recordings.length;
    const second = await Worker.start({ name: 'second', isPaused: true });
    await second.write(5);
    assert.equal((await second.tell({ flush: 1000 })).flushed, false);
    assert.equal(network.recordings.length, dialled);
    await second.kill();
    await Worker.start({ name: 'third' });
    await arriveExactly(namesOf('second', 5));
  });

  for (const phase of ['spool', 'synced Realm'] as const) {
    it(`keeps the files within maxUnsyncedBytes: ${phase}`, async () => {
      const maxUnsyncedBytes = 12 * MiB;
      const worker = await Worker.start({ name: 'w', maxUnsyncedBytes });
      if (phase === 'synced Realm') {
        network.connectTo(server.url);
        await worker.tell({ open: true });
        assert.equal((await worker.tell({ flush: 30_000 })).flushed, true);
        network.cut();
      }
      let stored = 0;
      for (let failed = 0; failed === 0;) {
        const answer = await worker.tell({ write: 500 });
        stored += answer.stored ?? 0;
        failed = answer.failed ?? 0;
        assert.ok(stored < 1_000_000, 'there is no limit');
      }
      const files = (): number => nodeFiles.sizeBytes(nodeFiles.join(scratch.path, 'workers'));
      assert.ok(files() <= maxUnsyncedBytes + MiB, `${files()} bytes`);
      assert.ok(files() >= maxUnsyncedBytes / 2, `${files()} bytes`);

      network.connectTo(server.url);
      await eventually(
        'delivery',
        async () => (await arrived()).length,
        (count) => count === stored,
        120_000,
      );
      assert.equal((await worker.tell({ flush: 30_000 })).flushed, true);
      await worker.write(500);
      assert.equal((await worker.tell({ flush: 30_000 })).flushed, true);
      assert.ok(files() <= maxUnsyncedBytes + MiB, `${files()} bytes`);
      await worker.kill();

      // Most of the files is free now.
      const next = await Worker.start({ name: 'n', maxUnsyncedBytes });
      await next.tell({ open: true });
      assert.ok(files() < 6 * MiB, `${files()} bytes`);
    });
  }
});
