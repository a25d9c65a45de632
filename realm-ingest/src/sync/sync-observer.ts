/** Told of what is worth counting. Called synchronously; must not throw. */
export interface SyncObserver {
  /**
   * A file was adopted: `unknown`, the store has no row of it; `unverified`, nor is its salt this server's; `ahead`, it
   * had records acknowledged that the store does not hold. One file may be several of these. Once a file, however often
   * it comes back, unless more than ten thousand others came since.
   */
  fileAdopted?(how: FileAdoption): void;
  /** An error was sent, or would have been if the client understood it. */
  errorSent?(wireCode: number): void;
  /** An UPLOAD with changesets was taken: its body's bytes on the wire, and inflated as announced. */
  uploaded?(wireBytes: number, inflatedBytes: number): void;
  /** A connection is no longer read, or a reason was added not to read it. */
  heldBack?(reason: HoldBackReason): void;
  /** Changesets were committed, and their client was told so. */
  acknowledged?(changesets: number): void;
}

/** Why clients are held back: the store fails, more arrives than is committed, or the in-flight budget is used up. */
export type HoldBackReason = 'store' | 'queue' | 'budget';

export type FileAdoption = 'unknown' | 'unverified' | 'ahead';
