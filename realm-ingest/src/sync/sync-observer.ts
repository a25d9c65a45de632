/** Told what happens on sync connections. Called synchronously; must not throw. */
export interface SyncObserver {
  /**
   * A file was adopted. `unknown`: the store has no row of it. `unverified`: its salt is not this server's either. `ahead`:
   * records of it were acknowledged that the store does not hold. Called once for each of these that applies, and once a
   * file, unless more than ten thousand other files came since.
   */
  fileAdopted?(how: FileAdoption): void;
  /** A client met an error. It was sent, unless the client's protocol version cannot use it. */
  errorSent?(wireCode: number): void;
  /** An UPLOAD with changesets was taken. `inflatedBytes` is the announced size. */
  uploaded?(wireBytes: number, inflatedBytes: number): void;
  /** A connection is no longer read, or has another reason not to be read. */
  heldBack?(reason: HoldBackReason): void;
  /** Changesets were committed, and their client was told. */
  acknowledged?(changesets: number): void;
}

/** Why a client is held back: the store fails, uploads arrive faster than commits, or the in-flight budget is used up. */
export type HoldBackReason = 'store' | 'queue' | 'budget';

export type FileAdoption = 'unknown' | 'unverified' | 'ahead';
