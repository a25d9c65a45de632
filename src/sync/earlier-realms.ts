import type { SyncedRealm } from './synced-realm.js';

/** Realms of earlier users: each stays open until the server has everything of it, and then its file is deleted. */
export class EarlierRealms {
  readonly #onChange: () => void;
  readonly #realms = new Set<SyncedRealm>();

  /** @param onChange - called when one is gone */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get isEmpty(): boolean {
    return this.#realms.size === 0;
  }

  /** Records in them that no server has acknowledged. */
  get pending(): number {
    let records = 0;
    for (const { acknowledgements } of this.#realms) records += acknowledgements.pending;
    return records;
  }

  [Symbol.iterator](): IterableIterator<SyncedRealm> {
    return this.#realms.values();
  }

  add(synced: SyncedRealm): void {
    this.#realms.add(synced);
    void synced.acknowledgements.settled().then(() => {
      if (!this.#realms.delete(synced)) return;
      synced.close();
      synced.deleteFile();
      this.#onChange();
    });
  }

  /** Forgets one, which is the caller's from here on. */
  delete(synced: SyncedRealm): void {
    this.#realms.delete(synced);
  }

  /** Forgets all. */
  clear(): void {
    this.#realms.clear();
  }
}
