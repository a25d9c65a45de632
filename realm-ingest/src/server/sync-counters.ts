import type { FileAdoption, HoldBackReason, SyncObserver } from '../sync/sync-observer.js';

/** Counts of sync since the server's start. */
export interface SyncCounters {
  /** Adopted client files by kind; one file may have several kinds. */
  readonly adoptedFiles: Readonly<Partial<Record<FileAdoption, number>>>;
  /** Errors sent to clients, by wire code. */
  readonly errorsSent: Readonly<Record<number, number>>;
  /** UPLOAD messages with changesets, and the bytes of their bodies on the wire and inflated. */
  readonly uploads: number;
  readonly uploadWireBytes: number;
  readonly uploadBytes: number;
  /** How often clients were held back, by reason. */
  readonly holdBacks: Readonly<Partial<Record<HoldBackReason, number>>>;
  /** Changesets that were acknowledged to their clients. */
  readonly acknowledgedChangesets: number;
}

/** Counts what sync reports. */
export class SyncCounter implements SyncObserver {
  readonly #adoptedFiles = new Map<FileAdoption, number>();
  readonly #errorsSent = new Map<number, number>();
  readonly #holdBacks = new Map<HoldBackReason, number>();
  #uploads = 0;
  #uploadWireBytes = 0;
  #uploadBytes = 0;
  #acknowledgedChangesets = 0;

  get counters(): SyncCounters {
    return {
      adoptedFiles: Object.fromEntries(this.#adoptedFiles),
      errorsSent: Object.fromEntries(this.#errorsSent),
      uploads: this.#uploads,
      uploadWireBytes: this.#uploadWireBytes,
      uploadBytes: this.#uploadBytes,
      holdBacks: Object.fromEntries(this.#holdBacks),
      acknowledgedChangesets: this.#acknowledgedChangesets,
    };
  }

  fileAdopted(how: FileAdoption): void {
    this.#adoptedFiles.set(how, (this.#adoptedFiles.get(how) ?? 0) + 1);
  }

  errorSent(wireCode: number): void {
    this.#errorsSent.set(wireCode, (this.#errorsSent.get(wireCode) ?? 0) + 1);
  }

  uploaded(wireBytes: number, inflatedBytes: number): void {
    this.#uploads += 1;
    this.#uploadWireBytes += wireBytes;
    this.#uploadBytes += inflatedBytes;
  }

  heldBack(reason: HoldBackReason): void {
    this.#holdBacks.set(reason, (this.#holdBacks.get(reason) ?? 0) + 1);
  }

  acknowledged(changesets: number): void {
    this.#acknowledgedChangesets += changesets;
  }
}
