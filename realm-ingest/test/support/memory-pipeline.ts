import { StoreError } from '../../src/store/store-error.js';
import type { ClientFile } from '../../src/store/store.js';
import type { Pipeline, Upload } from '../../src/pipeline/upload-pipeline.js';

/** A pipeline that keeps everything in memory, and whose store can be held up, made to fail, or lose its memory. */
export class MemoryPipeline implements Pipeline {
  readonly files = new Map<bigint, ClientFile>();
  /** Texts of the changesets that are durable, by client version, a text once. */
  readonly stored = new Map<string, bigint>();
  /** Every commit that succeeded, as the client versions in it. */
  readonly commits: bigint[][] = [];
  /** Commits that were begun. */
  attempts = 0;
  lookUps = 0;
  abandoned = false;
  nextIdent = 77n;
  salt: (userId: string, ident: bigint) => bigint = () => 123456n;
  /** What every commit and look-up is answered with, while it is set. */
  failure: Error | undefined;
  #heldUp: (() => void)[] | undefined;
  #progressed: (() => void) | undefined;

  /** Makes commits and look-ups wait until the function returned is called. */
  holdUp(): () => void {
    const waiting: (() => void)[] = [];
    this.#heldUp = waiting;
    return () => {
      this.#heldUp = undefined;
      for (const go of waiting) go();
    };
  }

  forgetEverything(): void {
    this.files.clear();
    this.stored.clear();
  }

  async findClientFile(ident: bigint): Promise<ClientFile | undefined> {
    this.lookUps += 1;
    await this.#reach();
    return this.files.get(ident);
  }

  createClientFileIdent(): bigint {
    const ident = this.nextIdent;
    this.nextIdent += 1n;
    return ident;
  }

  saltOf(userId: string, clientFileIdent: bigint): bigint {
    return this.salt(userId, clientFileIdent);
  }

  /** Says that a part of the commit that runs is durable. */
  progress(): void {
    this.#progressed?.();
  }

  async commit({ file, changesets }: Upload, progressed?: () => void): Promise<void> {
    this.attempts += 1;
    this.#progressed = progressed;
    await this.#reach();
    for (const { clientVersion, bytes } of changesets) {
      this.stored.set(Buffer.from(bytes).toString('latin1'), clientVersion);
    }
    const known = this.files.get(file.ident);
    const isFurther = known === undefined || file.clientVersion > known.clientVersion;
    this.files.set(file.ident, isFurther ? file : known);
    this.commits.push(changesets.map(({ clientVersion }) => clientVersion));
  }

  abandon(): void {
    this.abandoned = true;
  }

  async #reach(): Promise<void> {
    const { failure } = this;
    if (failure !== undefined) throw failure;
    const waiting = this.#heldUp;
    if (waiting !== undefined) {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
      });
    }
  }
}

export const unavailable = (): StoreError =>
  new StoreError('store-unavailable', 'the disk is full', { retryable: true });

export const broken = (): StoreError =>
  new StoreError('store-unavailable', 'the file is corrupt', { retryable: false });
