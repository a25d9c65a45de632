import type { ExporterError } from '../errors.js';
import { settledWithin } from '../time/bounded-wait.js';
import { ConnectionError, describeCause } from '../connection-error.js';
import {
  StatusBoard,
  type ConnectionState,
  type ConnectionStatus,
  type StatusListener,
} from './connection-status.js';
import type { Destination } from '../realm/destination.js';
import { Diagnostics } from '../diagnostics.js';
import type { ObjectIdConstructor, RealmLike } from '../realm/realm-types.js';
import { RealmPromise } from '../realm/realm-promise.js';
import { recordTarget, type RecordTarget, type WriteOutcome } from './record-target.js';
import { RecordWriter, type Place } from './record-writer.js';
import { SlotSessions, type SlotSessionsOptions } from './slot-sessions.js';
import { DeviceBudget } from '../disk/device-budget.js';
import { nextTurn } from '../time/next-turn.js';

/** A way to a server that may be there or not: records are kept on disk until it has acknowledged them. */
export interface Connection<R extends RealmLike = RealmLike> {
  /**
   * The synced Realm, once it is open. Rejects if the connection is closed before; nothing needs to handle that. After a
   * user was removed, a later read gives a promise of the new Realm.
   */
  readonly realm: Promise<R>;
  /** A snapshot. */
  readonly status: ConnectionStatus;
  /** Calls back after changes of the status. @returns a function that ends it */
  onStatus(listener: StatusListener): () => void;
  /**
   * Waits until the server has acknowledged every record given so far, and those that ended processes of the service left.
   *
   * @param timeoutMillis - bound of the wait; default 30 000
   * @returns false if the time was over first, or if a slot with records cannot be opened; never rejects
   */
  flush(timeoutMillis?: number): Promise<boolean>;
  /** Goes off the network, as on a metered link. Records are kept on disk meanwhile. */
  pause(): void;
  /** Comes back onto the network. */
  resume(): void;
  /** Closes what was opened, without waiting for a server; what is on disk stays there. Never rejects. */
  close(): Promise<void>;
  readonly [recordTarget]: RecordTarget;
}

/** What a connection is made of. */
export interface ConnectionOptions extends Pick<
  SlotSessionsOptions,
  | 'store'
  | 'Realm'
  | 'openSource'
  | 'schema'
  | 'encryptionKey'
  | 'isNative'
  | 'classNames'
  | 'shouldCompact'
  | 'whenFull'
  | 'maxUnsyncedAgeMillis'
> {
  /** What all files of the service may take together. */
  readonly maxUnsyncedBytes: number;
  readonly classPrefix: string;
  /** Said once to `diag`. */
  readonly warning: string | undefined;
}

const DEFAULT_FLUSH_MILLIS = 30_000;

/** Of the time for a shutdown, what is left for closing files, in milliseconds. */
const MAX_CLOSING_MILLIS = 1000;

/** See {@link Connection}. Exporters write to it through the {@link RecordTarget} that it also is. */
export class RealmConnection<R extends RealmLike> implements Connection<R>, RecordTarget {
  readonly ObjectId: ObjectIdConstructor;
  readonly classPrefix: string;
  readonly #budget: DeviceBudget;
  readonly #board = new StatusBoard();
  readonly #diagnostics = new Diagnostics('opentelemetry-exporter-realm');
  readonly #writer: RecordWriter;
  readonly #sessions: SlotSessions;
  readonly #realm = new RealmPromise();
  readonly #started: Promise<void>;
  #exporters = 0;
  #isPaused = false;
  #isClosing = false;
  #closing: Promise<void> | undefined;

  constructor(options: ConnectionOptions) {
    this.ObjectId = options.Realm.BSON.ObjectId;
    this.classPrefix = options.classPrefix;
    this.#budget = new DeviceBudget({
      maxBytes: options.maxUnsyncedBytes,
      measure: () => options.store.sizeBytes(),
    });
    this.#writer = new RecordWriter({
      place: (nextBytes, avoided) => this.#place(nextBytes, avoided),
      onStored: (destination, count, sizeBytes) => {
        this.#sessions.own?.stored(destination, count, sizeBytes);
      },
      onRefused: (cause) => {
        const text = `the synced Realm takes no records, which are kept in the spool: ${describeCause(cause)}`;
        this.#report(new ConnectionError('sync-failed', text, { cause, retryable: true }));
      },
      onFailed: (count, error) => {
        this.countDropped(error.code, count);
        this.#report(error);
      },
    });
    this.#sessions = new SlotSessions({
      ...options,
      budget: this.#budget,
      onOwnSlot: (isDurable) => {
        this.#tellDurability(isDurable);
      },
      onOpen: (realm) => {
        this.#realm.resolve(realm);
      },
      onChange: () => {
        this.#changed();
      },
      onAcknowledged: (records) => {
        const acknowledged = this.status.acknowledged + records;
        this.#board.update({ acknowledged, lastAcknowledgedAt: new Date() });
      },
      onDropped: (reason, records) => {
        this.countDropped(reason, records);
      },
      onError: (error) => {
        this.#report(error);
      },
    });
    if (options.warning !== undefined) this.#diagnostics.report('warn', 'realm-version', options.warning);
    // Not in the turn of the app's start: opening a file takes some milliseconds.
    this.#started = nextTurn().then(() => {
      this.#sessions.open();
    });
  }

  get [recordTarget](): RecordTarget {
    return this;
  }

  get status(): ConnectionStatus {
    return this.#board.status;
  }

  get realm(): Promise<R> {
    return this.#realm.promise as Promise<unknown> as Promise<R>;
  }

  onStatus(listener: StatusListener): () => void {
    return this.#board.subscribe(listener);
  }

  async flush(timeoutMillis = DEFAULT_FLUSH_MILLIS): Promise<boolean> {
    const flushed = await settledWithin(this.#acknowledged(), timeoutMillis);
    return flushed && this.#sessions.isSettled;
  }

  pause(): void {
    this.#isPaused = true;
    this.#sessions.pause();
    this.#changed();
  }

  resume(): void {
    this.#isPaused = false;
    this.#sessions.resume();
    this.#changed();
  }

  close(): Promise<void> {
    this.#isClosing = true;
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async write(records: Parameters<RecordTarget['write']>[0]): Promise<WriteOutcome> {
    if (this.#isClosing) return this.#refuse(records.length);
    await this.#started;
    return this.#writer.write(records);
  }

  countDropped(reason: string, count: number): void {
    this.#board.countDropped(reason, count);
  }

  retain(): void {
    this.#exporters += 1;
  }

  async release(timeoutMillis: number): Promise<void> {
    this.#exporters -= 1;
    if (this.#exporters > 0) return;
    const deadline = performance.now() + timeoutMillis;
    const remaining = (keptMillis: number): number => Math.max(0, deadline - keptMillis - performance.now());
    // A server that does not answer must not cost the time to close the files and to say what remains in them.
    const closingMillis = Math.min(MAX_CLOSING_MILLIS, timeoutMillis / 10);
    await settledWithin(this.#writer.idle(), remaining(closingMillis));
    const session = this.#sessions.own;
    if (session?.isSettled === false) {
      // A short program ends before its first attempt to log in does: it would never deliver anything.
      await settledWithin(session.firstAttempt(), remaining(closingMillis));
      if (session.isConnected) await settledWithin(session.settled(), remaining(closingMillis));
    }
    await settledWithin(this.close(), remaining(0));
  }

  #refuse(failed: number): WriteOutcome {
    const error = new ConnectionError('connection-closed', `${failed} records were not stored`);
    this.countDropped(error.code, failed);
    return failed === 0 ? { stored: 0, failed } : { stored: 0, failed, error };
  }

  #place(nextBytes: number, avoided: Destination | undefined): Place | undefined {
    const { own, error } = this.#sessions;
    if (own === undefined) throw error ?? new ConnectionError('open-failed', 'no slot is open');
    return own.place(nextBytes, avoided);
  }

  #tellDurability(isDurable: boolean): void {
    this.#board.update({ durable: isDurable });
    if (isDurable) return;
    this.#diagnostics.report(
      'warn',
      'not-durable',
      'this Realm engine keeps its files in memory: what the server has not acknowledged is lost with the process',
    );
  }

  async #acknowledged(): Promise<void> {
    await this.#started;
    await this.#writer.idle();
    await this.#sessions.settled();
  }

  async #close(): Promise<void> {
    this.#changed();
    await this.#started;
    await this.#writer.idle();
    this.#tellWhatRemains();
    await this.#sessions.close();
    this.#realm.reject(new ConnectionError('connection-closed', 'its Realm is not open any more'));
  }

  #tellWhatRemains(): void {
    const { spooled, unsynced, durable } = this.status;
    const count = spooled + unsynced;
    if (count === 0) return;
    const records = `${count} ${count === 1 ? 'record that no server has acknowledged remains' : 'records that no server has acknowledged remain'}`;
    if (durable) {
      this.#diagnostics.report(
        'info',
        'remaining',
        `${records} on disk; the next start of this service sends them`,
      );
    } else {
      this.#diagnostics.report(
        'warn',
        'remaining',
        `${records} in memory, and may be lost with this process`,
      );
    }
  }

  #report(error: ExporterError): void {
    this.#board.update({ lastError: error });
    this.#diagnostics.report(error.level, error.code, error.message);
  }

  #changed(): void {
    let spooled = 0;
    let unsynced = this.#sessions.waiting;
    for (const session of this.#sessions) {
      spooled += session.spooled;
      unsynced += session.unsynced;
    }
    this.#board.change({ spooled, unsynced, storedBytes: this.#budget.takenBytes, state: this.#state() });
  }

  #state(): ConnectionState {
    if (this.#isClosing) return 'closed';
    if (this.#isPaused) return 'paused';
    const session = this.#sessions.own;
    if (session?.isConnected === true) return 'connected';
    return session?.isUnauthorized === true ? 'unauthorized' : 'connecting';
  }
}
