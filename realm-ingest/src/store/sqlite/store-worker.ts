/**
 * The thread that uses a SQLite store's file: while it waits for an fsync, the main thread goes on answering PINGs.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import { commitGroup } from './commit-group.js';
import type { Database } from './database.js';
import { openDatabase, type OpenedDatabase, type SqliteStoreOptions } from './open-database.js';
import { operations, type OperationName } from './operations.js';
import { toStoreError } from './sqlite-error.js';
import { openingId, type EncodedCommit, type WorkerAnswer, type WorkerRequest } from './worker-messages.js';

const { path, mode, maxDeadLetterBytes } = workerData as SqliteStoreOptions;

const byName = operations as Readonly<
  Record<OperationName, (database: Database, ...args: readonly unknown[]) => unknown>
>;

function answer(id: number, work: () => unknown): void {
  let message: WorkerAnswer;
  try {
    message = { id, result: work() };
  } catch (error) {
    const { code, particulars, retryable, cause } = toStoreError(error, path);
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : undefined;
    message = { id, failure: { code, particulars, retryable, cause: reason } };
  }
  parentPort?.postMessage(message);
}

/** Answers requests, in their order; commits that have arrived together share a transaction. */
function listen(opened: OpenedDatabase): void {
  const { database } = opened;
  let waitingCommits: { readonly id: number; readonly commit: EncodedCommit }[] = [];

  function flushCommits(): void {
    const group = waitingCommits;
    waitingCommits = [];
    if (group.length === 0) return;
    const commits = group.map(({ commit }) => commit);
    const outcomes = commitGroup(database, commits, maxDeadLetterBytes);
    group.forEach(({ id }, index) => {
      answer(id, () => {
        const outcome = outcomes[index];
        if (outcome !== undefined && 'result' in outcome) return outcome.result;
        throw outcome?.error ?? new Error('there is one outcome for each commit');
      });
    });
  }

  parentPort?.on('message', (request: WorkerRequest) => {
    if (request.kind === 'commit') {
      // Every message that has arrived by now is delivered before the immediate runs.
      if (waitingCommits.length === 0) setImmediate(flushCommits);
      waitingCommits.push(request);
      return;
    }
    flushCommits();
    if (request.kind === 'close') {
      answer(request.id, () => {
        close(opened);
      });
      parentPort?.close();
      return;
    }
    answer(request.id, () => byName[request.name](database, ...request.args));
  });
}

function close({ database, lock }: OpenedDatabase): void {
  try {
    // So that the file alone is the whole store.
    if (mode !== 'read') database.all('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch {
    // The -wal stays, as it does while other processes read. Nothing is lost.
  }
  database.close();
  lock?.release();
}

answer(openingId, () => {
  listen(openDatabase(workerData as SqliteStoreOptions));
});
