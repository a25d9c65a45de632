import { Worker, type Transferable } from 'node:worker_threads';
import { StoreError } from '../store-error.js';
import type {
  Failure,
  OperationName,
  OperationRequest,
  OperationResponse,
  StoreOperations,
} from './store-operations.js';
import { workerUrl } from './worker-url.js';

type Argument<Name extends OperationName> = Parameters<StoreOperations[Name]>;
type Result<Name extends OperationName> = ReturnType<StoreOperations[Name]>;

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: StoreError) => void;
}

/**
 * Calls operations in the store's thread. They are done in the order in which they were called. The thread keeps the
 * process alive only while something is asked of it.
 */
export class WorkerChannel {
  // Without the process's arguments and NODE_OPTIONS: an app's `--import` would start its instrumentation once more.
  readonly #worker = new Worker(workerUrl, { name: 'realm-ingest store', execArgv: [], env: {} });
  readonly #waiting = new Map<number, Waiting>();
  /** Resolves when the thread has ended without being told to. */
  readonly failed: Promise<StoreError>;
  #fail: (error: StoreError) => void = () => undefined;
  #nextId = 0;
  /** Why nothing more can be asked. */
  #ended: string | undefined;

  constructor() {
    this.failed = new Promise((resolve) => (this.#fail = resolve));
    this.#worker.unref();
    this.#worker.on('message', (response: OperationResponse) => {
      this.#settle(response);
    });
    this.#worker.on('error', (error) => {
      this.#end(`its thread failed: ${error.message}`);
    });
    this.#worker.on('exit', () => {
      this.#end('its thread has ended');
    });
  }

  /** @param transfer - buffers that the caller gives away */
  call<Name extends OperationName>(
    name: Name,
    argument: Argument<Name>[0],
    transfer: readonly Transferable[] = [],
  ): Promise<Result<Name>> {
    if (this.#ended !== undefined) return Promise.reject(closed(this.#ended));
    return new Promise((resolve, reject) => {
      const id = (this.#nextId += 1);
      const request: OperationRequest = { id, name, argument };
      this.#worker.postMessage(request, transfer);
      this.#waiting.set(id, { resolve, reject });
      this.#worker.ref();
    });
  }

  /** Lets what was asked finish; nothing more can be asked. */
  async close(): Promise<void> {
    if (this.#ended !== undefined) return;
    const exit = new Promise((resolve) => this.#worker.once('exit', resolve));
    const closing = this.call('close', undefined);
    this.#ended = 'it was closed';
    await closing;
    this.#worker.ref();
    await exit;
  }

  /** Ends the thread, whatever it is doing. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(response: OperationResponse): void {
    const waiting = this.#waiting.get(response.id);
    this.#waiting.delete(response.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if ('failure' in response) waiting?.reject(toError(response.failure));
    else waiting?.resolve(response.result as never);
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
