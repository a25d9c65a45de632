/**
 * The thread that a SQLite store's file is used in: an fsync here delays nobody's PONG.
 *
 * @module
 */
import { parentPort } from 'node:worker_threads';
import { StoreError } from '../store-error.js';
import {
  addRevocation,
  createApiKey,
  findApiKey,
  hasRevocation,
  keepFingerprint,
  keepSecret,
  keepSetting,
  listApiKeys,
  loadSecret,
  revokeApiKey,
} from './account-tables.js';
import { commitGroup } from './commit-group.js';
import type { Database } from './database.js';
import { deleteDeadLetter, findDeadLetter, readDeadLetters } from './dead-letter-table.js';
import { findClientFile, listCollections, readDocuments } from './document-table.js';
import { openDatabase, type OpenedDatabase, type SqliteStoreOptions } from './open-database.js';
import { toStoreError } from './sqlite-error.js';
import type {
  EncodedCommit,
  OperationRequest,
  OperationResponse,
  StoreOperations,
} from './store-operations.js';

type State = OpenedDatabase & SqliteStoreOptions;

let state: State | undefined;
let waitingCommits: { readonly id: number; readonly commit: EncodedCommit }[] = [];

function opened(): State {
  if (state === undefined) throw new StoreError('store-closed', 'it was not opened', { retryable: false });
  return state;
}

function database(): Database {
  return opened().database;
}

/** All but `commit`, which waits for others to share a transaction with. */
const operations: Omit<StoreOperations, 'commit'> = {
  open: (options) => {
    state = { ...options, ...openDatabase(options) };
  },
  findClientFile: (ident) => findClientFile(database(), ident),
  readDocuments: ({ collection, after }) => readDocuments(database(), collection, after),
  collections: () => listCollections(database()),
  readDeadLetters: (after) => readDeadLetters(database(), after),
  findDeadLetter: (key) => findDeadLetter(database(), key),
  deleteDeadLetter: (key) => deleteDeadLetter(database(), key),
  createApiKey: (key) => {
    createApiKey(database(), key);
  },
  listApiKeys: () => listApiKeys(database()),
  findApiKey: (by) => findApiKey(database(), by),
  revokeApiKey: ({ id, at }) => revokeApiKey(database(), id, at),
  addRevocation: ({ subject, at }) => {
    addRevocation(database(), subject, at);
  },
  hasRevocation: (subjects) => hasRevocation(database(), subjects),
  loadSecret: () => loadSecret(database()),
  keepSecret: (candidate) => keepSecret(database(), candidate),
  keepFingerprint: (fingerprint) => {
    keepFingerprint(database(), fingerprint);
  },
  // A write that is really committed: a lock alone would not show that the disk is full.
  ping: () => {
    keepSetting(database(), 'ping', new Uint8Array());
  },
  close: () => {
    const { database, lock, mode } = opened();
    state = undefined;
    try {
      // So that the file alone is the whole store.
      if (mode !== 'read') database.all('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // Then the -wal stays, as it does while others read: nothing is lost.
    }
    database.close();
    lock?.release();
  },
};

function answer(id: number, work: () => unknown): void {
  let response: OperationResponse;
  try {
    response = { id, result: work() };
  } catch (error) {
    const { code, particulars, retryable, cause } = toStoreError(error, state?.path ?? 'the store');
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : undefined;
    response = { id, failure: { code, particulars, retryable, cause: reason } };
  }
  parentPort?.postMessage(response);
}

function flushCommits(): void {
  const group = waitingCommits;
  waitingCommits = [];
  if (group.length === 0) return;
  if (state === undefined) {
    for (const { id } of group) answer(id, opened);
    return;
  }
  const { database, maxDeadLetterBytes } = state;
  const outcomes = commitGroup(
    database,
    group.map(({ commit }) => commit),
    maxDeadLetterBytes,
  );
  group.forEach(({ id }, place) => {
    answer(id, () => {
      const outcome = outcomes[place];
      if (outcome !== undefined && 'result' in outcome) return outcome.result;
      throw outcome?.error ?? new Error('there is one outcome for each commit');
    });
  });
}

parentPort?.on('message', ({ id, name, argument }: OperationRequest) => {
  if (name === 'commit') {
    // Whatever has arrived by now is delivered before the immediate runs.
    if (waitingCommits.length === 0) setImmediate(flushCommits);
    waitingCommits.push({ id, commit: argument as EncodedCommit });
    return;
  }
  // What was asked first is done first.
  flushCommits();
  const operation = operations[name] as (argument: unknown) => unknown;
  answer(id, () => operation(argument));
  if (name === 'close') parentPort?.close();
});
