import type { AcknowledgementListener } from './acknowledgements.js';
import type { SyncedRealm } from './synced-realm.js';

/** Owns the synced Realms of a slot, and is called when something happens to them. */
export interface SyncOwner extends AcknowledgementListener {
  /** A Realm has become the current one. It may have been open before. */
  opened(synced: SyncedRealm): void;
  /** The current Realm is gone: a user must be found again. */
  userGone(): void;
  /** Counts, or the state of a sync session, changed. */
  changed(): void;
}
