import type { UploadedChangeset, UploadMessage } from '../protocol/messages.js';
import { ProtocolError } from '../protocol/protocol-error.js';
import { readUploadBody } from '../protocol/upload-body.js';
import type { HoldBack } from './hold-back.js';
import type { MessageAllocation } from './inflight-budget.js';
import { retryWhileHeldBack } from './store-retry.js';
import { SyncError } from './sync-error.js';
import type { SyncLimits } from './sync-limits.js';

/** The session whose uploads these are. */
export interface UploadSession {
  /** Commits changesets as a whole. After a retryable `StoreError` the queue calls it again. */
  commit(changesets: readonly UploadedChangeset[]): Promise<void>;
  /** The changesets are durable. Not called after {@link UploadQueue.detach}. */
  acknowledge(changesets: readonly UploadedChangeset[]): void;
  /** An upload cannot be stored, or breaks the protocol. The queue is empty. Not called after detach. */
  fail(error: unknown): void;
}

export interface UploadQueueOptions {
  readonly session: UploadSession;
  readonly holdBack: HoldBack;
  readonly limits: Pick<SyncLimits, 'maxCommitBytes' | 'maxQueuedMessages'>;
}

interface QueuedUpload {
  readonly message: UploadMessage;
  readonly allocation: MessageAllocation;
}

interface OpenedUpload {
  readonly changesets: readonly UploadedChangeset[];
  readonly allocation: MessageAllocation;
}

/**
 * The uploads of one session on their way to the store: one commit at a time, in order. The first upload is committed
 * alone, at once. What arrives meanwhile goes into the next commit, up to `maxCommitBytes`; a larger upload goes alone. If
 * more waits than fits into one commit, the session is held back.
 */
export class UploadQueue {
  readonly #options: UploadQueueOptions;
  readonly #waiting: QueuedUpload[] = [];
  #waitingBytes = 0;
  #busy = false;
  #running: Promise<void> = Promise.resolve();
  #abandoned = false;
  /** Of the upload that waits for room to be inflated. */
  #waitingForRoom: MessageAllocation | undefined;
  /** Aborted once nobody hears of commits any more; nothing is retried then. */
  readonly #detached = new AbortController();

  constructor(options: UploadQueueOptions) {
    this.#options = options;
  }

  /** Takes an upload that is not empty; the queue releases `allocation`. */
  add(message: UploadMessage, allocation: MessageAllocation): void {
    this.#waiting.push({ message, allocation });
    this.#waitingBytes += message.uncompressedBytes;
    if (!this.#busy) {
      this.#busy = true;
      this.#running = this.#run();
    } else if (this.#isFull()) {
      this.#options.holdBack.begin('queue');
    }
  }

  /** Resolves when nothing is left to commit. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /**
   * The session is over. What has arrived is still committed, in case the device does not come back soon, but not retried:
   * the client sends again what was not acknowledged.
   */
  detach(): void {
    this.#detached.abort();
  }

  /** Drops uploads whose commit has not begun. */
  abandon(): void {
    this.detach();
    this.#abandoned = true;
    this.#drop();
    this.#waitingForRoom?.release();
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const uploads = this.#take();
      try {
        await this.#commit(uploads);
      } catch (error) {
        this.#drop();
        if (!this.#detached.signal.aborted) this.#options.session.fail(toTypedError(error));
      } finally {
        for (const { allocation } of uploads) allocation.release();
      }
    }
    this.#busy = false;
  }

  /**
   * Commits uploads up to the first that breaks the protocol, then throws its error. They are committed together, unless
   * one waits for room: then those before it are committed first. A queue that waits for room must not keep room that
   * others wait for.
   */
  async #commit(uploads: readonly QueuedUpload[]): Promise<void> {
    const opened: OpenedUpload[] = [];
    let violation: { readonly error: unknown } | undefined;
    for (const { message, allocation } of uploads) {
      // A few bytes may inflate a thousandfold.
      const granted = message.isCompressed ? allocation.grow(message.uncompressedBytes) : undefined;
      if (granted !== undefined) {
        await this.#commitOpened(opened.splice(0));
        await this.#waitForRoom(granted, allocation);
      }
      if (this.#abandoned) break;
      try {
        const changesets = await readUploadBody(message);
        checkVersionsRise(changesets);
        opened.push({ changesets, allocation });
      } catch (error) {
        violation = { error };
        break;
      }
    }
    await this.#commitOpened(opened);
    if (violation !== undefined) throw violation.error;
  }

  async #commitOpened(opened: readonly OpenedUpload[]): Promise<void> {
    const changesets = opened.flatMap((upload) => upload.changesets);
    if (changesets.length === 0) return;
    const { session, holdBack } = this.#options;
    await retryWhileHeldBack(() => session.commit(changesets), holdBack, this.#detached.signal);
    if (!this.#detached.signal.aborted) session.acknowledge(changesets);
    for (const { allocation } of opened) allocation.release();
  }

  async #waitForRoom(granted: Promise<void>, allocation: MessageAllocation): Promise<void> {
    if (this.#abandoned) return;
    const { holdBack } = this.#options;
    this.#waitingForRoom = allocation;
    holdBack.begin('budget');
    await granted;
    holdBack.end('budget');
    this.#waitingForRoom = undefined;
  }

  /** The uploads of the next commit. */
  #take(): QueuedUpload[] {
    let count = 0;
    let bytes = 0;
    for (const { message } of this.#waiting) {
      if (count > 0 && bytes + message.uncompressedBytes > this.#options.limits.maxCommitBytes) break;
      bytes += message.uncompressedBytes;
      count += 1;
    }
    this.#waitingBytes -= bytes;
    const taken = this.#waiting.splice(0, count);
    if (!this.#isFull()) this.#options.holdBack.end('queue');
    return taken;
  }

  #isFull(): boolean {
    const { maxCommitBytes, maxQueuedMessages } = this.#options.limits;
    return this.#waitingBytes > maxCommitBytes || this.#waiting.length > maxQueuedMessages;
  }

  #drop(): void {
    for (const { allocation } of this.#waiting) allocation.release();
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
  }
}

/**
 * Versions rise within an upload (section 3.3). From one upload to the next they may fall: copied and restored files send
 * old versions with new objects.
 */
function checkVersionsRise(changesets: readonly UploadedChangeset[]): void {
  let previous = 0n;
  for (const { clientVersion } of changesets) {
    if (clientVersion <= previous) {
      throw new SyncError('sync-changeset-header', `client version ${clientVersion} after ${previous}`);
    }
    previous = clientVersion;
  }
}

/** An exception that is a bug ends the session, which then backs off, and not the connection with all its sessions. */
function toTypedError(error: unknown): SyncError | ProtocolError {
  if (error instanceof SyncError || error instanceof ProtocolError) return error;
  return new SyncError('upload-failed', 'the upload was not processed', { cause: error });
}
