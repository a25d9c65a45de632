import { Worker } from 'node:worker_threads';
import { StoreError } from '../store-error.js';
import type { CommitResult } from '../store.js';
import type { SqliteStoreOptions } from './open-database.js';
import type { OperationArguments, OperationName, OperationResult } from './operations.js';
import {
  openingId,
  type bytesWanted,
  type EncodedCommit,
  type Failure,
  type WorkerAnswer,
  type WorkerRequest,
  type WorkerTask,
} from './worker-messages.js';
import { workerUrl } from './worker-url.js';

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: StoreError) => void;
}

/**
 * Calls the store's thread, which runs operations in the order of the calls. The thread keeps the process alive only
 * while a call waits for its answer.
 */
export class WorkerChannel {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  /** Resolves when the file is open, or rejects with the reason. Await it before any other call. */
  readonly opened: Promise<void>;
  /** Resolves when the thread has ended without being told to. */
  readonly failed: Promise<StoreError>;
  #fail: (error: StoreError) => void = () => undefined;
  #lastId = openingId;
  /** Why no more calls are taken. */
  #ended: string | undefined;

  constructor(options: SqliteStoreOptions) {
    // Without the process's arguments and NODE_OPTIONS: an app's `--import` would start its instrumentation once more.
    this.#worker = new Worker(workerUrl, {
      name: 'realm-ingest store',
      execArgv: [],
      env: {},
      workerData: options,
    });
    this.failed = new Promise((resolve) => (this.#fail = resolve));
    this.opened = this.#wait(openingId);
    this.#worker.on('message', (answer: WorkerAnswer) => {
      this.#settle(answer);
    });
    this.#worker.on('error', (error) => {
      this.#end(`its thread failed: ${error.message}`);
    });
    this.#worker.on('exit', () => {
      this.#end('its thread has ended');
    });
  }

  call<Name extends OperationName>(
    name: Name,
    ...args: OperationArguments<Name>
  ): Promise<OperationResult<Name>> {
    return this.#request({ kind: 'operation', name, args });
  }

  /** Moves the changesets' bytes to the thread: the caller cannot use them any more. */
  commit(commit: EncodedCommit): Promise<CommitResult | typeof bytesWanted> {
    const transfer = commit.changesets.flatMap(({ bytes }) => (bytes ? [bytes.buffer as ArrayBuffer] : []));
    return this.#request({ kind: 'commit', commit }, transfer);
  }

  /** Lets earlier calls finish, closes the file and ends the thread. No more calls are taken. */
  async close(): Promise<void> {
    if (this.#ended !== undefined) return;
    const exit = new Promise((resolve) => this.#worker.once('exit', resolve));
    const closing = this.#request({ kind: 'close' });
    this.#ended = 'it was closed';
    await closing;
    this.#worker.ref();
    await exit;
  }

  /** Ends the thread, whatever it is doing. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  /** `async`, so that an argument that cannot be cloned rejects instead of throwing. */
  async #request<Result>(task: WorkerTask, transfer: readonly ArrayBuffer[] = []): Promise<Result> {
    if (this.#ended !== undefined) throw closed(this.#ended);
    const id = (this.#lastId += 1);
    const request: WorkerRequest = { ...task, id };
    this.#worker.postMessage(request, transfer);
    return this.#wait(id);
  }

  #wait<Result>(id: number): Promise<Result> {
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
  }

  #settle(answer: WorkerAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if ('failure' in answer) waiting?.reject(toError(answer.failure));
    else waiting?.resolve(answer.result as never);
  }

  #end(reason: string): void {
    if (this.#ended === undefined) this.#fail(closed(reason));
    this.#ended ??= reason;
    for (const { reject } of this.#waiting.values()) reject(closed(reason));
    this.#waiting.clear();
  }
}

function closed(reason: string): StoreError {
  return new StoreError('store-closed', reason, { retryable: false });
}

function toError({ code, particulars, retryable, cause }: Failure): StoreError {
  return new StoreError(code, particulars, {
    retryable,
    ...(cause !== undefined && { cause: new Error(cause) }),
  });
}
