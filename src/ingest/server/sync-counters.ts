import type { FileAdoption, SyncObserver } from '../sync/sync-observer.js';

/** What the sync layer has counted since the server's start. */
export interface SyncCounters {
  /** Client files that the store did not know, by what was found of them; one file may be several of these. */
  readonly adoptedFiles: Readonly<Partial<Record<FileAdoption, number>>>;
  /** Errors sent to clients, by their code on the wire. */
  readonly errorsSent: Readonly<Record<number, number>>;
  /** Changesets whose clients were told that they are stored. */
  readonly acknowledgedChangesets: number;
}

/** Counts what the sync layer tells. */
export class SyncCounter implements SyncObserver {
  readonly #adoptedFiles = new Map<FileAdoption, number>();
  readonly #errorsSent = new Map<number, number>();
  #acknowledgedChangesets = 0;

  get counters(): SyncCounters {
    return {
      adoptedFiles: Object.fromEntries(this.#adoptedFiles),
      errorsSent: Object.fromEntries(this.#errorsSent),
      acknowledgedChangesets: this.#acknowledgedChangesets,
    };
  }

  fileAdopted(how: FileAdoption): void {
    this.#adoptedFiles.set(how, (this.#adoptedFiles.get(how) ?? 0) + 1);
  }

  errorSent(wireCode: number): void {
    this.#errorsSent.set(wireCode, (this.#errorsSent.get(wireCode) ?? 0) + 1);
  }

  acknowledged(changesets: number): void {
    this.#acknowledgedChangesets += changesets;
  }
}
