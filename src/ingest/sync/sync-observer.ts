/** Told of what is worth counting. Called synchronously; must not throw. */
export interface SyncObserver {
  /**
   * A file was adopted: `unknown`, the store has no row of it; `unverified`, nor is its salt this server's; `ahead`, it
   * had records acknowledged that the store does not hold. One file may be several of these.
   */
  fileAdopted?(how: FileAdoption): void;
  /** An error was sent, or would have been if the client understood it. */
  errorSent?(wireCode: number): void;
  /** Changesets were committed, and their client was told so. */
  acknowledged?(changesets: number): void;
}

export type FileAdoption = 'unknown' | 'unverified' | 'ahead';
