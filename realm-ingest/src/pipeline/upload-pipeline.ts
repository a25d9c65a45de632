/**
 * Uploads → documents → store: converts, commits and counts them.
 *
 * @module
 */
import type { ErrorCode } from '../errors.js';
import { LogThrottle } from '../time/log-throttle.js';
import type { Logger } from '../logger.js';
import type { UploadedChangeset } from '../protocol/messages.js';
import type {
  ClientFile,
  ChangesetDocuments,
  CommitRequest,
  CommitResult,
  DeadLetterReason,
  Store,
} from '../store/store.js';
import { StoreError } from '../store/store-error.js';
import type { ChangesetConverter } from './changeset-documents.js';
import { createClientFileIdent, toClientFileSalt } from './client-file-ident.js';
import type { PipelineObserver } from './pipeline-observer.js';
import { WeightedSemaphore } from './weighted-semaphore.js';

/** Changesets of one session, in wire order, that are committed as a whole. */
export interface Upload {
  /** The file, with its progress after this commit. */
  readonly file: ClientFile;
  /** At least one. */
  readonly changesets: readonly UploadedChangeset[];
}

export interface UploadPipelineOptions {
  readonly appId: string;
  readonly store: Pick<Store, 'commit' | 'findClientFile'>;
  /** See `deriveKeys`. */
  readonly saltKey: Uint8Array;
  readonly converter: ChangesetConverter;
  readonly logger: Logger;
  readonly observer: PipelineObserver;
}

/** What a pipeline has committed since it was made. */
export interface UploadCounters {
  readonly changesets: number;
  /** Documents that were new. */
  readonly documents: number;
  /** Documents that were there already: sent again because an acknowledgement was lost. */
  readonly duplicates: number;
  /**
   * Dead letters that were new. One whose answer was lost, and which was there when its upload was stored again, is not
   * among them; `realm-ingest dead-letters list` has all.
   */
  readonly deadLetters: Readonly<Partial<Record<DeadLetterReason, number>>>;
  /** Calls of the store that failed, by its error's code. */
  readonly storeFailures: Readonly<Partial<Record<ErrorCode, number>>>;
}

/**
 * What is converted and committed at once, in bytes of BSON, roughly: a larger upload goes in parts. As JavaScript
 * objects and JSON, a part takes twenty times as much.
 */
const partWeight = 1024 * 1024;

/** What all uploads together may have under conversion and commit: four large parts, or thousands of small uploads. */
const maxWeight = 4 * partWeight;

/** How long a commit that failed speaks for the store; clients that are held back try again sooner than that. */
const failureMillis = 60_000;

/** One line a kind (a dead letter's reason and class, a failure's code) and minute. */
const lineMillis = 60_000;

export class UploadPipeline {
  readonly #options: UploadPipelineOptions;
  readonly #deadLetterLines = new LogThrottle(lineMillis);
  readonly #failureLines = new LogThrottle(lineMillis);
  readonly #semaphore = new WeightedSemaphore(maxWeight);
  readonly #deadLetters = new Map<DeadLetterReason, number>();
  readonly #storeFailures = new Map<ErrorCode, number>();
  #changesets = 0;
  #documents = 0;
  #duplicates = 0;
  #abandoned = false;
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
      storeFailures: Object.fromEntries(this.#storeFailures),
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

  async findClientFile(ident: bigint): Promise<ClientFile | undefined> {
    try {
      return await this.#options.store.findClientFile(ident);
    } catch (error) {
      if (error instanceof StoreError && !this.#abandoned) this.#countFailure(error);
      throw error;
    }
  }

  /** A random ident in [2^32, 2^62). */
  createClientFileIdent(): bigint {
    return createClientFileIdent();
  }

  /** The salt that this server gives to a file of this user; design, rule of delivery 8. */
  saltOf(userId: string, clientFileIdent: bigint): bigint {
    return toClientFileSalt(this.#options.saltKey, this.#options.appId, userId, clientFileIdent);
  }

  /**
   * Resolves when everything in the upload is durable, in its collection or in the dead letters.
   *
   * @param progressed - called whenever a part of it is durable
   * @throws StoreError; a retryable one means that the client is to be held back
   */
  async commit({ file, changesets }: Upload, progressed?: () => void): Promise<void> {
    const receivedAt = new Date();
    const parts = this.#convert(changesets, receivedAt);
    const weight = Math.min(
      partWeight,
      changesets.reduce((sum, { bytes }) => sum + bytes.length, 0),
    );
    const commitNext = async (): Promise<boolean> => {
      this.#refuseIfAbandoned();
      const { value: part, done } = await parts.next();
      const isPart = done !== true;
      await this.#commit({ appId: this.#options.appId, file, isPart, receivedAt, changesets: part });
      return isPart;
    };
    // Once for each part: so a large upload waits for others in between, and they do not wait for all of it.
    while (await this.#semaphore.run(weight, commitNext)) progressed?.();
    this.#changesets += changesets.length;
  }

  /** The server closes: no further commit begins, and commits that fail from now on are not counted as failures. */
  abandon(): void {
    this.#abandoned = true;
  }

  /** Yields what makes a part; returns the last one, which may be empty. */
  async *#convert(
    changesets: readonly UploadedChangeset[],
    receivedAt: Date,
  ): AsyncGenerator<ChangesetDocuments[], ChangesetDocuments[]> {
    let part: ChangesetDocuments[] = [];
    let weightOfPart = 0;
    for (const changeset of changesets) {
      const pieces = this.#options.converter.convertInParts(changeset, receivedAt, partWeight);
      for await (const { weight, ...piece } of pieces) {
        part.push(piece);
        weightOfPart += weight;
        if (weightOfPart < partWeight) continue;
        yield part;
        part = [];
        weightOfPart = 0;
      }
    }
    return part;
  }

  /** Parts and uploads that waited would meet a closed store. */
  #refuseIfAbandoned(): void {
    if (this.#abandoned)
      throw new StoreError('store-closed', 'the server closes: the upload was given up', {
        retryable: false,
      });
  }

  async #commit(request: CommitRequest): Promise<void> {
    this.#refuseIfAbandoned();
    const begun = performance.now();
    try {
      const result = await this.#options.store.commit(request);
      this.#options.observer.committed?.((performance.now() - begun) / 1000);
      this.#failure = undefined;
      this.#count(request.file, result);
    } catch (error) {
      const isOfClosing = this.#abandoned && error instanceof StoreError && error.isExpectedWhileClosing;
      if (error instanceof StoreError && !isOfClosing) this.#noteFailure(error);
      throw error;
    }
  }

  #countFailure({ code }: StoreError): void {
    this.#storeFailures.set(code, (this.#storeFailures.get(code) ?? 0) + 1);
  }

  #noteFailure(error: StoreError): void {
    this.#countFailure(error);
    if (!error.retryable) this.#options.observer.broken?.(error);
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

/** A pipeline as sync sees it. */
export type Pipeline = Pick<
  UploadPipeline,
  'findClientFile' | 'createClientFileIdent' | 'saltOf' | 'commit' | 'abandon'
>;
