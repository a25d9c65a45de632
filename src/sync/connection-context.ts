import type { DeviceBudget } from '../disk/device-budget.js';
import type { Slot } from '../disk/slot.js';
import type { SpoolPolicy } from '../disk/spool-limits.js';
import type { ShouldCompact } from '../realm/compaction.js';
import type { NativeObjectSchema, NativeRealmConstructor } from '../realm/realm-types.js';
import type { UserSource } from './user-source.js';

/** The checked options of a connection that its slots need. */
export interface ConnectionSettings extends Pick<SpoolPolicy, 'whenFull' | 'maxUnsyncedAgeMillis'> {
  readonly Realm: NativeRealmConstructor;
  /** Whether the engine can have files at all. */
  readonly isNative: boolean;
  /** @throws whatever Realm throws when it makes an App */
  readonly openSource: (slot: Slot) => UserSource;
  readonly schema: readonly NativeObjectSchema[];
  /** The class of each kind of record. */
  readonly classNames: Readonly<Record<string, string>>;
  readonly encryptionKey: ArrayBuffer | undefined;
  readonly shouldCompact: ShouldCompact | undefined;
}

/** What all slots of a connection share. It is passed down unchanged. */
export interface ConnectionContext extends ConnectionSettings, SpoolPolicy {
  readonly budget: DeviceBudget;
}
