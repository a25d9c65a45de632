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

/** What a pipeline has committed since its creation. */
export interface UploadCounters {
  readonly changesets: number;
  /** Documents that were new. */
  readonly documents: number;
  /** Documents that the store already had: a client sends them again if an acknowledgement was lost. */
  readonly duplicates: number;
  /**
   * Dead letters that were new. It misses those whose commit succeeded without an answer: they are not new when the upload
   * is stored again. `realm-ingest dead-letters list` shows all.
   */
  readonly deadLetters: Readonly<Partial<Record<DeadLetterReason, number>>>;
  /** Calls of the store that failed, by error code. */
  readonly storeFailures: Readonly<Partial<Record<ErrorCode, number>>>;
}

/**
 * Weight that is converted and committed at once, in about bytes of BSON. A larger upload goes in parts. As JavaScript
 * objects and JSON, a part takes twenty times as much.
 */
const partWeight = 1024 * 1024;

/** Weight of all uploads in conversion and commit: four large parts, or thousands of small uploads. */
const maxWeight = 4 * partWeight;

/** How long a failed commit counts as the state of the store. Clients that are held back retry sooner than that. */
const failureMillis = 60_000;

/** At most one line of a kind (a dead letter's reason and class, a failure's code) in this time. */
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
   * The error of the last commit. A store that is nearly full may take a ping's small write, but no uploads. Undefined after
   * a success, and after a minute: the clients that were held back may be gone.
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
    // The semaphore is taken for each part, so that other uploads run between the parts of a large one.
    while (await this.#semaphore.run(weight, commitNext)) progressed?.();
    this.#changesets += changesets.length;
  }

  /** The server closes: no further commit begins, and commits that fail from now on are not counted as failures. */
  abandon(): void {
    this.#abandoned = true;
  }

  /** Yields parts, and returns the last one, which may be empty. */
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

  /** Called after each wait, because the store may be closed by then. */
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
    // Sessions log only when they send their clients away.
    if (events !== undefined) {
      this.#options.logger[error.level === 'error' ? 'error' : 'warn'](
        { err: error, events },
        error.retryable
          ? 'the store cannot commit uploads: clients are held back'
          : 'the store can no longer commit uploads',
      );
    }
    // This one concerns only uploads that add a dead letter.
    if (error.code !== 'store-dead-letters-full') this.#failure = { error, atMillis: performance.now() };
  }

  #count(file: ClientFile, { stored, duplicates, deadLetters }: CommitResult): void {
    this.#documents += stored;
    this.#duplicates += duplicates;
    for (const { reason, className } of deadLetters) {
      this.#deadLetters.set(reason, (this.#deadLetters.get(reason) ?? 0) + 1);
      // Class names are the client's: bounded here in length, and by the throttle in number.
      const shortName = className?.slice(0, 100);
      const events = this.#deadLetterLines.admit(`${reason} ${shortName ?? ''}`);
      if (events === undefined) continue;
      this.#options.logger.warn(
        { reason, className: shortName, events, userId: file.userId, fileIdent: String(file.ident) },
        'an object or changeset cannot be stored and became a dead letter; see `realm-ingest dead-letters`',
      );
    }
  }
}

/** A pipeline as sync sees it. */
export type Pipeline = Pick<
  UploadPipeline,
  'findClientFile' | 'createClientFileIdent' | 'saltOf' | 'commit' | 'abandon'
>;
