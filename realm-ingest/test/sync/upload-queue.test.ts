import assert from 'node:assert/strict';
import { parseClientMessage } from '../../src/protocol/client-message.js';
import type { UploadMessage } from '../../src/protocol/messages.js';
import { HoldBack } from '../../src/sync/hold-back.js';
import { InflightBudget, type BudgetAccount } from '../../src/sync/inflight-budget.js';
import { UploadQueue } from '../../src/sync/upload-queue.js';
import * as client from '../support/client-message.js';

const inflatedBytes = 1000;

describe('UploadQueue within a budget that several sessions share', () => {
  it('commits everything: a queue that waits for room holds no room that others wait for', async () => {
    // All of them together take more than there is, as they come already.
    const budget = new InflightBudget({ maxInflightBytes: 10 * inflatedBytes, holdBackMillis: 60_000 }, {});
    const committed: number[][] = [[], [], []];
    const gates: (() => void)[] = [];
    let isOpen = false;
    const queues = committed.map(
      (versions) =>
        new UploadQueue({
          session: {
            // The first commit of each session takes until all uploads have arrived.
            commit: (changesets) =>
              new Promise((resolve) => {
                const commit = (): void => {
                  versions.push(...changesets.map(({ clientVersion }) => Number(clientVersion)));
                  resolve();
                };
                if (isOpen) commit();
                else gates.push(commit);
              }),
            acknowledge: () => undefined,
            fail: (error) => assert.fail(String(error)),
          },
          holdBack: new HoldBack({
            session: unheard,
            connection: unheard,
            limits: { holdBackMillis: 60_000, maxUnreadMillis: 60_000 },
            observer: {},
          }),
          limits: { maxCommitBytes: 1_000_000, maxQueuedMessages: 100 },
        }),
    );
    const accounts = queues.map(() => budget.createAccount(unheard));
    for (let version = 1; version <= 8; version++) {
      for (const [place, queue] of queues.entries()) arrive(queue, accounts[place]!, version);
    }
    await untilTrue(() => gates.length > 0);
    isOpen = true;
    for (const open of gates) open();
    await untilTrue(() => committed.every(({ length }) => length === 8));
    for (const versions of committed) assert.deepEqual(versions, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert.equal(budget.usedBytes, 0);
  });
});

/** A compressed upload of some hundred bytes has arrived whole. */
function arrive(queue: UploadQueue, account: BudgetAccount, clientVersion: number): void {
  const bytes = Buffer.alloc(inflatedBytes, 'x');
  const message = client.upload({ changesets: [{ clientVersion, bytes }], compress: true });
  account.receive(message.length);
  queue.add(
    parseClientMessage(message, 14, { maxMessageBytes: 1_000_000 }) as UploadMessage,
    account.complete(),
  );
}

const unheard = { pause: () => undefined, resume: () => undefined, fail: () => undefined };

async function untilTrue(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, 'nothing moves any more');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
