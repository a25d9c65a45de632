import type { ExporterError } from '../errors.js';
import type { ShouldCompact } from '../realm/compaction.js';
import type { DeviceBudget } from '../disk/device-budget.js';
import type { Slot } from '../disk/slot.js';
import type { NativeObjectSchema, NativeRealmConstructor } from '../realm/realm-types.js';
import type { SyncedRealm } from './synced-realm.js';
import type { UserSource } from './user-source.js';

/** What a keeper needs to know. */
export interface SessionKeeperOptions {
  readonly Realm: NativeRealmConstructor;
  readonly slot: Slot;
  /** @throws whatever Realm throws when an App is made */
  readonly openSource: (slot: Slot) => UserSource;
  readonly schema: readonly NativeObjectSchema[];
  readonly encryptionKey: ArrayBuffer | undefined;
  /** Whether Realm's files outlive the process. */
  readonly isDurable: boolean;
  readonly budget: DeviceBudget;
  readonly shouldCompact: ShouldCompact | undefined;
  readonly onOpen: (synced: SyncedRealm) => void;
  readonly onChange: () => void;
  readonly onAcknowledged: (records: number) => void;
  readonly onLost: (reason: 'user-removed' | 'client-reset', records: number) => void;
  readonly onError: (error: ExporterError) => void;
}
