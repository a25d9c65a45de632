import { Acknowledgements, type AcknowledgedListener } from './acknowledgements.js';
import { RealmDestination } from '../realm/destination.js';
import type { ShouldCompact } from '../realm/compaction.js';
import type { DeviceBudget } from '../disk/device-budget.js';
import { RealmFileGauge } from '../disk/realm-file-gauge.js';
import type { Slot } from '../disk/slot.js';
import type {
  NativeConfiguration,
  NativeObjectSchema,
  NativeRealm,
  NativeRealmConstructor,
  NativeSession,
  NativeSyncError,
  NativeUser,
} from '../realm/realm-types.js';
import { withoutTracing } from '../suppression.js';
import { isAnonymous } from './user-source.js';

/** After how long without its server a user may have been forgotten by it, in milliseconds. */
export const ABSENCE_MILLIS = 300_000;

/** What a synced Realm is opened with. */
export interface SyncedRealmOptions {
  readonly Realm: NativeRealmConstructor;
  readonly path: string;
  readonly user: NativeUser;
  readonly schema: readonly NativeObjectSchema[];
  readonly encryptionKey: ArrayBuffer | undefined;
  readonly onError: (error: NativeSyncError) => void;
  /** `disconnected`, `connecting`, `connected`. */
  readonly onConnectionChange: (state: string) => void;
  readonly onAcknowledged: AcknowledgedListener;
  readonly slot: Slot;
  /** Whether Realm's files outlive the process. */
  readonly isDurable: boolean;
  readonly budget: DeviceBudget;
  readonly shouldCompact: ShouldCompact | undefined;
}

/** One open flexible-sync Realm of one user, with what the server owes us for it. */
export class SyncedRealm {
  readonly user: NativeUser;
  readonly realm: NativeRealm;
  readonly path: string;
  readonly destination: RealmDestination;
  readonly acknowledgements: Acknowledgements;
  readonly gauge: RealmFileGauge;
  /** What of the file was in use when it was opened, in bytes; the whole file where the engine does not say. */
  readonly usedBytes: number;
  readonly #Realm: NativeRealmConstructor;
  readonly #isDurable: boolean;
  readonly #budget: DeviceBudget;
  readonly #session: NativeSession;
  readonly #onConnectionChange: (state: string) => void;
  /** When it was last known to have its server; by a clock that nobody sets. */
  #connectedAtMillis = performance.now();

  /**
   * Opens it without waiting for a network: what is written before the first download is uploaded later.
   *
   * @throws whatever Realm throws
   */
  constructor(options: SyncedRealmOptions) {
    const { Realm, path, user, schema, encryptionKey, slot, isDurable, budget } = options;
    const fileBytes = (): number | undefined => (isDurable ? slot.sizeBytes(path) : undefined);
    let usedBytes: number | undefined;
    const shouldCompact = (totalBytes: number, used: number): boolean => {
      usedBytes = used;
      return options.shouldCompact?.(totalBytes, used) ?? false;
    };
    const config: NativeConfiguration = {
      path,
      schema,
      ...(encryptionKey === undefined ? {} : { encryptionKey }),
      ...(options.shouldCompact === undefined ? {} : { shouldCompact }),
      sync: {
        user,
        flexible: true,
        onError: (_session, error) => {
          options.onError(error);
        },
        // The one mode that keeps what was not uploaded, on the engines that know it.
        clientReset: { mode: 'recoverUnsyncedChanges' },
      },
    };
    this.user = user;
    this.realm = withoutTracing(() => new Realm(config));
    const session = this.realm.syncSession;
    if (session === null) throw new Error('the Realm has no sync session');
    this.path = path;
    this.#Realm = Realm;
    this.#session = session;
    this.destination = new RealmDestination(this.realm);
    this.acknowledgements = new Acknowledgements(options.onAcknowledged);
    this.gauge = new RealmFileGauge({
      fileBytes,
      recordBytes: () => this.acknowledgements.pendingBytes,
    });
    this.usedBytes = usedBytes ?? fileBytes() ?? 0;
    this.#isDurable = isDurable;
    this.#budget = budget;
    budget.add(this.gauge);
    this.#onConnectionChange = (state) => {
      this.acknowledgements.retry();
      options.onConnectionChange(state);
    };
    withoutTracing(() => {
      session.addConnectionNotification(this.#onConnectionChange);
    });
    this.acknowledgements.use(session);
  }

  /** Whether the session has its server. False for a session that is gone. */
  get isConnected(): boolean {
    return this.#call((session) => session.isConnected()) ?? false;
  }

  /**
   * Whether a new login may be what brings the server back: one that has lost its secret refuses the tokens of users with
   * a name until they log in anew, and the engine says nothing of it. Look from time to time: that is how it knows.
   */
  get mayBeForgotten(): boolean {
    const now = performance.now();
    if (this.isConnected) this.#connectedAtMillis = now;
    return now - this.#connectedAtMillis >= ABSENCE_MILLIS && !isAnonymous(this.user);
  }

  /** Cuts the session off the network. */
  pause(): void {
    this.#call((session) => {
      session.pause();
    });
  }

  /** Brings the session back, after `pause` as well as after an error that ended it. */
  resume(): void {
    this.#call((session) => {
      session.resume();
    });
    this.acknowledgements.retry();
  }

  /**
   * Closes the file. What was not uploaded stays in it. Never throws: a Realm whose user was removed may be closed already.
   *
   * A session with something to upload outlives its Realm, and a process that opened the file meanwhile would be aborted. A
   * session that is paused first ends within milliseconds; `slot.readRealmLock` tells when. The WebAssembly engine has no
   * files, and what its Realms hold can only be uploaded by sessions that live on: they are not paused.
   */
  close(): void {
    this.#budget.remove(this.gauge);
    this.acknowledgements.use(undefined);
    this.#call((session) => {
      session.removeConnectionNotification(this.#onConnectionChange);
    });
    if (this.#isDurable) this.pause();
    this.#call(() => {
      this.realm.close();
    });
  }

  /** Deletes the file of a Realm that is closed. Never throws: Realm itself removes those of users that were removed. */
  deleteFile(): void {
    try {
      withoutTracing(() => {
        this.#Realm.deleteFile({ path: this.path });
      });
    } catch {
      // It may be open still.
    }
  }

  /** A session whose user was removed throws at every call. */
  #call<T>(call: (session: NativeSession) => T): T | undefined {
    try {
      return withoutTracing(() => call(this.#session));
    } catch {
      return undefined;
    }
  }
}
