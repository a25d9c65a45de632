/**
 * What becomes of uploads: converted, committed, counted. This is the sync layer's host.
 *
 * @module
 */
import { LogThrottle } from '../log-throttle.js';
import type { Logger } from '../logger.js';
import type {
  ClientFile,
  ChangesetDocuments,
  CommitResult,
  DeadLetterReason,
  Store,
} from '../store/store.js';
import { StoreError } from '../store/store-error.js';
import type { SyncHost, Upload } from '../sync/sync-host.js';
import type { ChangesetConverter } from './changeset-documents.js';
import { createClientFileIdent, toClientFileSalt } from './client-file-ident.js';

export interface UploadPipelineOptions {
  readonly appId: string;
  readonly store: Store;
  /** See `deriveKeys`. */
  readonly saltKey: Uint8Array;
  readonly converter: ChangesetConverter;
  /** The store cannot be written to any more, whatever is tried again. */
  readonly onBroken: (error: StoreError) => void;
  readonly logger: Logger;
}

/** What a pipeline has committed since it was made. */
export interface UploadCounters {
  readonly changesets: number;
  /** Documents that were new. */
  readonly documents: number;
  /** Documents that were there already: sent again because an acknowledgement was lost. */
  readonly duplicates: number;
  readonly deadLetters: Readonly<Partial<Record<DeadLetterReason, number>>>;
}

/** How long a commit that failed speaks for the store; clients that are held back try again sooner than that. */
const failureMillis = 60_000;

/** One line a kind (a dead letter's reason and class, a failure's code) and minute. */
const lineMillis = 60_000;

export class UploadPipeline implements SyncHost {
  readonly #options: UploadPipelineOptions;
  readonly #deadLetterLines = new LogThrottle(lineMillis);
  readonly #failureLines = new LogThrottle(lineMillis);
  readonly #deadLetters = new Map<DeadLetterReason, number>();
  #changesets = 0;
  #documents = 0;
  #duplicates = 0;
  #failure: { readonly error: StoreError; readonly atMillis: number } | undefined;

  constructor(options: UploadPipelineOptions) {
    this.#options = options;
  }

  get counters(): UploadCounters {
    return {
      changesets: this.#changesets,
      documents: this.#documents,
      duplicates: this.#duplicates,
      deadLetters: Object.fromEntries(this.#deadLetters),
    };
  }

  /**
   * What the last commit failed with: a store that is nearly full takes small writes, as that of a ping, and no uploads.
   * Undefined after a success, and after a minute, for whoever was held back may have gone.
   */
  get failure(): StoreError | undefined {
    const failure = this.#failure;
    return failure && performance.now() - failure.atMillis < failureMillis ? failure.error : undefined;
  }

  findClientFile(ident: bigint): Promise<ClientFile | undefined> {
    return this.#options.store.findClientFile(ident);
  }

  createClientFileIdent(): bigint {
    return createClientFileIdent();
  }

  saltOf(userId: string, clientFileIdent: bigint): bigint {
    return toClientFileSalt(this.#options.saltKey, this.#options.appId, userId, clientFileIdent);
  }

  async commit({ file, changesets }: Upload): Promise<void> {
    const { appId, converter, store } = this.#options;
    const receivedAt = new Date();
    const converted: ChangesetDocuments[] = [];
    for (const changeset of changesets) converted.push(await converter.convert(changeset, receivedAt));
    try {
      const result = await store.commit({ appId, file, receivedAt, changesets: converted });
      this.#failure = undefined;
      this.#count(file, result);
    } catch (error) {
      if (error instanceof StoreError) this.#noteFailure(error);
      throw error;
    }
    this.#changesets += changesets.length;
  }

  #noteFailure(error: StoreError): void {
    if (!error.retryable) this.#options.onBroken(error);
    const events = this.#failureLines.admit(error.code);
    // Sessions hold their clients back first, and log when that has taken long.
    if (events !== undefined) {
      this.#options.logger[error.level === 'error' ? 'error' : 'warn'](
        { err: error, events },
        error.retryable
          ? 'the store takes no uploads: clients are held back'
          : 'the store takes no uploads any more',
      );
    }
    // That one holds back only who would add a dead letter.
    if (error.code !== 'store-dead-letters-full') this.#failure = { error, atMillis: performance.now() };
  }

  #count(file: ClientFile, { stored, duplicates, deadLetters }: CommitResult): void {
    this.#documents += stored;
    this.#duplicates += duplicates;
    for (const { reason, className } of deadLetters) {
      this.#deadLetters.set(reason, (this.#deadLetters.get(reason) ?? 0) + 1);
      // Class names are the client's: bounded here, and so are their kinds, by the throttle.
      const shortName = className?.slice(0, 100);
      const events = this.#deadLetterLines.admit(`${reason} ${shortName ?? ''}`);
      if (events === undefined) continue;
      this.#options.logger.warn(
        { reason, className: shortName, events, userId: file.userId, fileIdent: String(file.ident) },
        'set aside: it can never be stored as it is; see `realm-ingest dead-letters`',
      );
    }
  }
}
