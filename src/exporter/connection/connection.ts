import type { RealmTelemetryError } from '../../errors.js';
import { settledWithin } from '../bounded-wait.js';
import { Backoff } from '../backoff.js';
import { Alarm } from '../alarm.js';
import { ConnectionError, describeCause } from '../connection-error.js';
import {
  StatusBoard,
  type ConnectionState,
  type ConnectionStatus,
  type StatusListener,
} from './connection-status.js';
import type { Destination } from '../destination.js';
import { Diagnostics } from '../diagnostics.js';
import type { ObjectIdConstructor, RealmLike } from '../realm-types.js';
import { RealmPromise } from './realm-promise.js';
import { recordTarget, type RecordTarget, type WriteOutcome } from '../record-target.js';
import { RecordWriter, type Place } from './record-writer.js';
import { SlotAdoption } from './slot-adoption.js';
import { SlotSession, type SlotSessionOptions } from './slot-session.js';
import { DeviceBudget } from '../slot/device-budget.js';
import type { Slot, SlotStore } from '../slot/slot.js';
import { nextTurn } from '../turn.js';

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
   * Waits until the server has acknowledged every record given so far, slots adopted from other processes included.
   *
   * @param timeoutMillis - bound of the wait; default 30 000
   * @returns false if the time was over first; never rejects
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
  SlotSessionOptions,
  | 'Realm'
  | 'openSource'
  | 'schema'
  | 'encryptionKey'
  | 'isNative'
  | 'shouldCompact'
  | 'whenFull'
  | 'maxUnsyncedAgeMillis'
> {
  readonly store: SlotStore;
  /** What all files of the service may take together. */
  readonly maxUnsyncedBytes: number;
  readonly classPrefix: string;
  /** Said once to `diag`. */
  readonly warning: string | undefined;
}

const DEFAULT_FLUSH_MILLIS = 30_000;

/** Of the time for a shutdown, what is left for closing files, in milliseconds. */
const MAX_CLOSING_MILLIS = 1000;

/** So many slots that cannot be opened are passed by; then it is not the slots' doing. */
const MAX_UNUSABLE_SLOTS = 8;

/** See {@link Connection}. Exporters write to it through the {@link RecordTarget} that it also is. */
export class RealmConnection<R extends RealmLike> implements Connection<R>, RecordTarget {
  readonly ObjectId: ObjectIdConstructor;
  readonly classPrefix: string;
  readonly #options: ConnectionOptions;
  readonly #budget: DeviceBudget;
  readonly #board = new StatusBoard();
  readonly #diagnostics = new Diagnostics('opentelemetry-exporter-realm');
  readonly #writer: RecordWriter;
  readonly #alarm = new Alarm();
  readonly #realm = new RealmPromise();
  readonly #started: Promise<void>;
  #session: SlotSession | undefined;
  #adoption: SlotAdoption<SlotSession> | undefined;
  #startError: RealmTelemetryError | undefined;
  #exporters = 0;
  #isPaused = false;
  #isClosing = false;
  #closing: Promise<void> | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.ObjectId = options.Realm.BSON.ObjectId;
    this.classPrefix = options.classPrefix;
    this.#budget = new DeviceBudget({
      maxBytes: options.maxUnsyncedBytes,
      measure: () => options.store.sizeBytes(),
    });
    this.#writer = new RecordWriter({
      place: (nextBytes, avoided) => this.#place(nextBytes, avoided),
      onStored: (destination, count, sizeBytes) => {
        this.#session?.stored(destination, count, sizeBytes);
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
    if (options.warning !== undefined) this.#diagnostics.report('warn', 'realm-version', options.warning);
    // Not in the turn of the app's start: opening a file takes some milliseconds.
    this.#started = nextTurn().then(() => {
      if (this.#openSlot()) return;
      void this.#keepOpeningSlot();
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
    return flushed && this.#isSettled;
  }

  pause(): void {
    this.#isPaused = true;
    for (const session of this.#sessions()) session.pause();
    this.#changed();
  }

  resume(): void {
    this.#isPaused = false;
    for (const session of this.#sessions()) session.resume();
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
    const session = this.#session;
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
    const session = this.#session;
    if (session === undefined) {
      throw this.#startError instanceof ConnectionError
        ? this.#startError
        : new ConnectionError('open-failed', 'no slot is open');
    }
    return session.place(nextBytes, avoided);
  }

  /** @returns whether this process has a slot of its own now */
  #openSlot(): boolean {
    try {
      this.#session = this.#openOwnSession();
    } catch (cause) {
      this.#startError = toOpenError(cause);
      this.#report(this.#startError);
      return false;
    }
    this.#startError = undefined;
    this.#warnOfMemory(this.#session);
    this.#changed();
    // An engine without files cannot open what others left.
    if (!this.#session.isDurable) return true;
    this.#adoption ??= new SlotAdoption({
      store: this.#options.store,
      openSession: (slot) => this.#openSession(slot),
      onError: (cause) => {
        this.#report(new ConnectionError('open-failed', `another slot: ${describeCause(cause)}`, { cause }));
      },
      onChange: () => {
        this.#changed();
      },
    });
    this.#adoption.lookAround();
    return true;
  }

  /** In the lowest free slot that can be opened: one that is damaged, or has another encryption key, must not end it all. */
  #openOwnSession(): SlotSession {
    const unusable = new Set<number>();
    for (;;) {
      const slot = this.#options.store.acquire(unusable);
      try {
        return this.#openSession(slot);
      } catch (cause) {
        unusable.add(slot.number);
        if (unusable.size === MAX_UNUSABLE_SLOTS) throw cause;
        this.#report(toOpenError(cause));
      }
    }
  }

  /** The disk may be full or mounted later. */
  async #keepOpeningSlot(): Promise<void> {
    const backoff = new Backoff({ initialMillis: 1000, maxMillis: 60_000 });
    do await this.#alarm.sleep(backoff.next());
    while (!this.#isClosing && !this.#openSlot());
  }

  #openSession(slot: Slot): SlotSession {
    const session: SlotSession = new SlotSession(slot, {
      ...this.#options,
      budget: this.#budget,
      onOpen: (realm) => {
        if (session === this.#session) this.#realm.resolve(realm);
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
      onSlotLost: () => {
        void this.#loseSlot(session);
      },
    });
    if (this.#isPaused) session.pause();
    return session;
  }

  async #loseSlot(session: SlotSession): Promise<void> {
    const error = new ConnectionError(
      'open-failed',
      'another process took the slot over; a new one is taken',
    );
    this.#report(error);
    if (session !== this.#session) {
      await this.#adoption?.drop();
      return;
    }
    this.#session = undefined;
    this.#startError = error;
    await session.close();
    if (!this.#isClosing && !this.#openSlot()) await this.#keepOpeningSlot();
  }

  #warnOfMemory(session: SlotSession): void {
    this.#board.update({ durable: session.isDurable });
    if (session.isDurable) return;
    this.#diagnostics.report(
      'warn',
      'not-durable',
      'this Realm engine keeps its files in memory: what the server has not acknowledged is lost with the process',
    );
  }

  async #acknowledged(): Promise<void> {
    await this.#started;
    await this.#writer.idle();
    await Promise.all([...this.#sessions()].map((session) => session.settled()));
  }

  get #isSettled(): boolean {
    return this.#startError === undefined && [...this.#sessions()].every((session) => session.isSettled);
  }

  async #close(): Promise<void> {
    this.#changed();
    await this.#started;
    await this.#writer.idle();
    this.#alarm.ring();
    this.#tellWhatRemains();
    for (const end of [() => this.#adoption?.stop(), () => this.#session?.close()]) {
      try {
        await end();
      } catch (cause) {
        this.#report(new ConnectionError('open-failed', `closing: ${describeCause(cause)}`, { cause }));
      }
    }
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

  #report(error: RealmTelemetryError): void {
    this.#board.update({ lastError: error });
    this.#diagnostics.report(error.level, error.code, error.message);
  }

  #changed(): void {
    let spooled = 0;
    let unsynced = 0;
    for (const session of this.#sessions()) {
      spooled += session.spooled;
      unsynced += session.unsynced;
    }
    this.#board.change({ spooled, unsynced, storedBytes: this.#budget.takenBytes, state: this.#state() });
  }

  #state(): ConnectionState {
    if (this.#isClosing) return 'closed';
    if (this.#isPaused) return 'paused';
    const session = this.#session;
    if (session?.isConnected === true) return 'connected';
    return session?.isUnauthorized === true ? 'unauthorized' : 'connecting';
  }

  *#sessions(): Generator<SlotSession> {
    if (this.#session !== undefined) yield this.#session;
    if (this.#adoption?.session !== undefined) yield this.#adoption.session;
  }
}

function toOpenError(cause: unknown): ConnectionError {
  if (cause instanceof ConnectionError) return cause;
  return new ConnectionError('open-failed', describeCause(cause), { cause, retryable: true });
}
