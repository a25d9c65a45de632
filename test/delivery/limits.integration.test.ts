import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { diag, DiagLogLevel } from '@opentelemetry/api';
import Realm, { endSessions } from '../support/engine/realm.mjs';
import { eventually } from '../support/eventually.js';
import { startIngest, type Ingest } from '../support/ingest.js';
import { Network } from '../support/network.js';
import { createScratch, type Scratch } from '../support/scratch.js';
import { storedDocuments } from '../support/stored.js';
import { connect, type ConnectOptions } from '../../src/delivery/connect.js';
import type { Connection } from '../../src/delivery/connection.js';
import { recordTarget, type WriteOutcome } from '../../src/delivery/record-target.js';

const appId = 'limits';
const MiB = 2 ** 20;
const maxUnsyncedBytes = 4 * MiB;
/** A record's text, so that some thousands reach the limit. */
const TEXT_LENGTH = 3000;

describe('limits for records on the device', function () {
  this.timeout(180_000);
  let scratch: Scratch;
  let network: Network;
  let server: Ingest;
  let connection: Connection;
  let written: number;

  beforeEach(async () => {
    scratch = await createScratch();
    network = await Network.create();
    server = await startIngest({ appId, store: scratch.store });
    written = 0;
  });

  afterEach(async () => {
    diag.disable();
    await connection.close();
    endSessions();
    await server.close();
    await network.close();
    await scratch.remove();
  });

  function start(options: Partial<ConnectOptions>): void {
    connection = connect({
      Realm,
      appId,
      baseUrl: network.url,
      credentials: Realm.Credentials.anonymous(false),
      serviceName: 'limits',
      directory: scratch.path,
      maxUnsyncedBytes,
      ...options,
    } as ConnectOptions);
  }

  /** Without a log-in attempt, no failed log-in is the last error. */
  function startOffline(options: Partial<ConnectOptions>): void {
    start(options);
    connection.pause();
  }

  /** Exports of 500 records each, named by their numbers. */
  async function write(count: number): Promise<WriteOutcome[]> {
    const target = connection[recordTarget];
    const outcomes: WriteOutcome[] = [];
    for (let rest = count; rest > 0; rest -= 500) {
      const records = Array.from({ length: Math.min(500, rest) }, () => ({
        kind: 'span' as const,
        className: 'Span',
        values: {
          _id: new target.ObjectId(),
          name: String((written += 1)),
          // Realm compresses what it keeps for the server.
          statusMessage: randomBytes(TEXT_LENGTH / 2).toString('hex'),
        },
        notes: [],
        sizeBytes: TEXT_LENGTH + 50,
      }));
      outcomes.push(await target.write(records));
    }
    return outcomes;
  }

  const sum = (outcomes: readonly WriteOutcome[], part: 'stored' | 'failed') =>
    outcomes.reduce((total, outcome) => total + outcome[part], 0);

  async function arrived(): Promise<number[]> {
    const documents = await storedDocuments(scratch.store, 'Span');
    return documents.map(({ name }) => Number(name)).sort((a, b) => a - b);
  }

  async function openSyncedAndCut(): Promise<void> {
    network.connectTo(server.url);
    await connection.realm;
    assert.equal(await connection.flush(30_000), true);
    network.cut();
    await eventually('the cut', () => connection.status.state === 'connecting');
  }

  async function deliver(): Promise<void> {
    network.connectTo(server.url);
    connection.pause();
    connection.resume(); // does not wait for the back-off
    assert.equal(await connection.flush(120_000), true, JSON.stringify(connection.status));
  }

  it('refuse new records when the spool is full, report it everywhere, and have room again after delivery', async () => {
    const messages: string[] = [];
    const log = (message: string): void => void messages.push(message);
    diag.setLogger(
      { error: log, warn: log, info: log, debug: log, verbose: log },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
    startOffline({});
    const outcomes = await write(3000);
    const [stored, failed] = [sum(outcomes, 'stored'), sum(outcomes, 'failed')];
    const { spooled, dropped, storedBytes, lastError } = connection.status;
    assert.equal(stored + failed, 3000);
    assert.equal(spooled, stored);
    assert.deepEqual(dropped, { 'device-full': failed });
    // An eighth is left to records that move, and a file grows by a megabyte at a time.
    assert.ok(storedBytes <= maxUnsyncedBytes, `${storedBytes}`);
    assert.ok(stored * TEXT_LENGTH > maxUnsyncedBytes * 0.55, `${stored} records`);
    const refused = outcomes.at(-1);
    assert.deepEqual([refused?.stored, refused?.failed, refused?.error?.code], [0, 500, 'device-full']);
    assert.match(refused?.error?.message ?? '', /500 new records were refused/);
    assert.equal(lastError?.code, 'device-full');
    assert.equal(messages.filter((message) => message.includes('refused')).length, 1, 'once a minute');

    await deliver();
    assert.deepEqual(
      await arrived(),
      Array.from({ length: stored }, (_, index) => index + 1),
    );
    assert.deepEqual(sum(await write(500), 'stored'), 500);
  });

  it('drop the oldest records of the spool with dropOldest, and deliver the newest', async () => {
    startOffline({ whenFull: 'dropOldest' });
    const outcomes = await write(4000);
    assert.equal(sum(outcomes, 'failed'), 0);
    const { spooled, dropped, storedBytes, lastError } = connection.status;
    assert.deepEqual(dropped, { 'dropped-oldest': 4000 - spooled });
    assert.ok(storedBytes <= maxUnsyncedBytes && storedBytes > maxUnsyncedBytes * 0.75, `${storedBytes}`);
    assert.equal(lastError?.code, 'device-full');
    assert.match(lastError.message, /the oldest \d+ records of the spool dropped/);

    await deliver();
    assert.deepEqual(
      await arrived(),
      Array.from({ length: spooled }, (_, index) => 4000 - spooled + index + 1),
    );
  });

  it('refuse new records when the synced Realm is full, also with dropOldest, because it drops nothing', async () => {
    start({ whenFull: 'dropOldest' });
    await openSyncedAndCut();
    const outcomes = await write(3000);
    const [stored, failed] = [sum(outcomes, 'stored'), sum(outcomes, 'failed')];
    const { spooled, unsynced, dropped } = connection.status;
    // The spool's file has a little room, too.
    assert.equal(unsynced + spooled, stored);
    assert.ok(spooled < 100, `${spooled}`);
    assert.deepEqual(dropped, { 'device-full': failed });
    assert.ok(failed > 500, `${failed}`);
    assert.ok(connection.status.storedBytes <= maxUnsyncedBytes);
    await deliver();
    assert.equal((await arrived()).length, stored);
    assert.equal(sum(await write(500), 'stored'), 500);
  });

  it('move a full spool in portions, each acknowledged before the next, in order', async () => {
    start({});
    const stored = sum(await write(1000), 'stored');
    assert.ok(stored > 500, `${stored}`);
    let most = 0;
    const end = connection.onStatus(({ unsynced }) => {
      most = Math.max(most, unsynced);
    });
    await deliver();
    end();
    assert.ok(most * TEXT_LENGTH < maxUnsyncedBytes / 4, `${most} at once`);
    const names = (await storedDocuments(scratch.store, 'Span')).map(({ name }) => Number(name));
    assert.deepEqual(
      names,
      Array.from({ length: stored }, (_, index) => index + 1),
    );
  });

  it('drop records that were in the spool for too long, before the rest moves', async () => {
    startOffline({ maxUnsyncedAge: '1s' });
    await write(700);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await write(5);
    await deliver();
    const late = await arrived();
    // The last ones may have grown too old as well, on a machine that is busy.
    assert.ok(late.every((name) => name > 700));
    assert.equal(connection.status.dropped['too-old'], 705 - late.length);
    assert.equal(connection.status.lastError?.code, 'records-expired');
  });
});
