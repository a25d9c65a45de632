import { RealmFileGauge } from '../disk/realm-file-gauge.js';
import type { Slot } from '../disk/slot.js';
import { RealmDestination } from '../realm/destination.js';
import type {
  NativeConfiguration,
  NativeRealm,
  NativeSession,
  NativeSyncError,
  NativeUser,
} from '../realm/realm-types.js';
import { withoutTracing } from '../suppression.js';
import { Acknowledgements, type AcknowledgementListener } from './acknowledgements.js';
import type { ConnectionContext } from './connection-context.js';
import { isAnonymous } from './user-source.js';

/** The server may have forgotten a user after this time without contact, in milliseconds. */
export const ABSENCE_MILLIS = 300_000;

/** Owns synced Realms, and is called when the engine reports something about their sync sessions. */
export interface SyncedRealmOwner {
  /** `disconnected`, `connecting` or `connected`. */
  connectionChanged(synced: SyncedRealm, state: string): void;
  syncFailed(synced: SyncedRealm, error: NativeSyncError): void;
}

/** An open Realm of one user with flexible sync, and its acknowledgements. */
export class SyncedRealm {
  readonly user: NativeUser;
  readonly realm: NativeRealm;
  readonly path: string;
  readonly destination: RealmDestination;
  readonly acknowledgements: Acknowledgements;
  readonly gauge: RealmFileGauge;
  /** How much of the file was in use when it was opened, in bytes; the whole file if the engine does not tell. */
  readonly usedBytes: number;
  readonly #context: ConnectionContext;
  readonly #isDurable: boolean;
  readonly #session: NativeSession;
  readonly #onConnectionChange: (state: string) => void;
  /** When it was last connected, by a monotonic clock. */
  #connectedAtMillis = performance.now();

  /**
   * Opens it without waiting for a network: what is written before the first download is uploaded later.
   *
   * @param isDurable - whether Realm's files outlive the process
   * @throws whatever Realm throws
   */
  constructor(
    user: NativeUser,
    path: string,
    slot: Slot,
    isDurable: boolean,
    context: ConnectionContext,
    realms: SyncedRealmOwner,
    listener: AcknowledgementListener,
  ) {
    const { Realm, schema, encryptionKey, shouldCompact, budget } = context;
    const fileBytes = (): number | undefined => (isDurable ? slot.sizeBytes(path) : undefined);
    let usedBytes: number | undefined;
    const config: NativeConfiguration = {
      path,
      schema,
      ...(encryptionKey === undefined ? {} : { encryptionKey }),
      ...(shouldCompact === undefined
        ? {}
        : {
            shouldCompact(totalBytes: number, used: number): boolean {
              usedBytes = used;
              return shouldCompact(totalBytes, used);
            },
          }),
      sync: {
        user,
        flexible: true,
        onError: (_session, error) => {
          realms.syncFailed(this, error);
        },
        // The only mode that keeps records that were not uploaded. Some engines ignore it.
        clientReset: { mode: 'recoverUnsyncedChanges' },
      },
    };
    this.user = user;
    this.path = path;
    this.#context = context;
    this.#isDurable = isDurable;
    this.realm = withoutTracing(() => new Realm(config));
    const session = this.realm.syncSession;
    if (session === null) throw new Error('the Realm has no sync session');
    this.#session = session;
    this.destination = new RealmDestination(this.realm);
    this.acknowledgements = new Acknowledgements(listener);
    this.gauge = new RealmFileGauge({
      fileBytes,
      recordBytes: () => this.acknowledgements.pendingBytes,
    });
    this.usedBytes = usedBytes ?? fileBytes() ?? 0;
    budget.add(this.gauge);
    this.#onConnectionChange = (state) => {
      this.acknowledgements.retry();
      realms.connectionChanged(this, state);
    };
    withoutTracing(() => {
      session.addConnectionNotification(this.#onConnectionChange);
    });
    this.acknowledgements.use(session);
  }

  /** Whether the session is connected. False for a session that is gone. */
  get isConnected(): boolean {
    return this.#call((session) => session.isConnected()) ?? false;
  }

  /**
   * Whether the server has been out of reach for so long that a new log-in may bring it back. A server that has lost its
   * secret refuses the tokens of users that are not anonymous until they log in anew, and the engine does not report it.
   * Read it from time to time: each read notes whether the session is connected.
   */
  get needsNewLogIn(): boolean {
    const now = performance.now();
    if (this.isConnected) this.#connectedAtMillis = now;
    return now - this.#connectedAtMillis >= ABSENCE_MILLIS && !isAnonymous(this.user);
  }

  /** Takes the session off the network. */
  pause(): void {
    this.#call((session) => {
      session.pause();
    });
  }

  /** Brings the session back, after `pause` or after an error that ended it. */
  resume(): void {
    this.#call((session) => {
      session.resume();
    });
    this.acknowledgements.retry();
  }

  /**
   * Closes the file. Records that were not uploaded stay in it. Never throws: a Realm whose user was removed may be closed
   * already.
   *
   * A session with records to upload outlives its Realm, and Realm aborts another process that opens the file meanwhile. A
   * session that is paused first ends within milliseconds; `slot.readRealmLock` tells when. The WebAssembly engine has no
   * files, and only sessions that live on can upload the records of its Realms, so they are not paused.
   */
  close(): void {
    this.#context.budget.remove(this.gauge);
    this.acknowledgements.use(undefined);
    this.#call((session) => {
      session.removeConnectionNotification(this.#onConnectionChange);
    });
    if (this.#isDurable) this.pause();
    this.#call(() => {
      this.realm.close();
    });
  }

  /** Deletes the file of a closed Realm. Never throws: Realm itself deletes the files of removed users. */
  deleteFile(): void {
    try {
      withoutTracing(() => {
        this.#context.Realm.deleteFile({ path: this.path });
      });
    } catch {
      // It may still be open.
    }
  }

  /** Calls the session. A session whose user was removed throws at every call. */
  #call<T>(call: (session: NativeSession) => T): T | undefined {
    try {
      return withoutTracing(() => call(this.#session));
    } catch {
      return undefined;
    }
  }
}
