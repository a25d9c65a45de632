import { ConnectionError } from '../connection-error.js';
import { DeviceBudget } from '../disk/device-budget.js';
import type { SlotStore } from '../disk/slot.js';
import type { RealmRecord } from '../model/realm-record.js';
import type { ObjectIdConstructor, RealmLike } from '../realm/realm-types.js';
import type { ConnectionSettings } from '../sync/connection-context.js';
import { settledWithin } from '../time/bounded-wait.js';
import { nextTurn } from '../time/next-turn.js';
import type { ConnectionStatus, StatusListener } from './connection-status.js';
import { DeliverySlots } from './delivery-slots.js';
import { recordTarget, type RecordTarget, type WriteOutcome } from './record-target.js';
import { RecordWriter } from './record-writer.js';
import { StatusBoard } from './status-board.js';

/** A connection to a server that may be out of reach: records are kept on disk until the server has acknowledged them. */
export interface Connection<R extends RealmLike = RealmLike> {
  /**
   * The synced Realm, when it is open. Rejects if the connection is closed first; an unhandled rejection does no harm. After
   * a user was removed, the property gives a promise of the new Realm.
   */
  readonly realm: Promise<R>;
  /** A snapshot. */
  readonly status: ConnectionStatus;
  /** Calls the listener after changes of the status. @returns a function that removes the listener */
  onStatus(listener: StatusListener): () => void;
  /**
   * Waits until the server has acknowledged every record written so far, and the records that ended processes of the
   * service left.
   *
   * @param timeoutMillis - the longest wait; default 30 000
   * @returns false after the longest wait, or if a slot with records cannot be opened; never rejects
   */
  flush(timeoutMillis?: number): Promise<boolean>;
  /** Stops all traffic, for example on a metered network. Records are kept on disk. */
  pause(): void;
  /** Ends a pause. */
  resume(): void;
  /** Closes all files without waiting for a server. Records on disk stay there. Never rejects. */
  close(): Promise<void>;
  readonly [recordTarget]: RecordTarget;
}

/** What a connection is made of. */
export interface ConnectionOptions extends ConnectionSettings {
  readonly store: SlotStore;
  /** The limit for all files of the service together. */
  readonly maxUnsyncedBytes: number;
  readonly classPrefix: string;
  /** Logged once to `diag`. */
  readonly warning: string | undefined;
}

const DEFAULT_FLUSH_MILLIS = 30_000;

/** How much of the time for a shutdown is left for closing files, in milliseconds. */
const MAX_CLOSING_MILLIS = 1000;

/** See {@link Connection}. It is also the {@link RecordTarget} that exporters write to. */
export class RealmConnection<R extends RealmLike> implements Connection<R>, RecordTarget {
  readonly ObjectId: ObjectIdConstructor;
  readonly classPrefix: string;
  readonly #board = new StatusBoard();
  readonly #slots: DeliverySlots;
  readonly #writer: RecordWriter;
  readonly #started: Promise<void>;
  #exporters = 0;
  #closing: Promise<void> | undefined;

  constructor(options: ConnectionOptions) {
    const { Realm, store, maxUnsyncedBytes, warning } = options;
    this.ObjectId = Realm.BSON.ObjectId;
    this.classPrefix = options.classPrefix;
    const budget = new DeviceBudget({ maxBytes: maxUnsyncedBytes, files: store });
    this.#slots = new DeliverySlots(store, { ...options, budget, events: this.#board }, this.#board);
    this.#writer = new RecordWriter(this.#slots, this.#board);
    if (warning !== undefined) this.#board.warn('realm-version', warning);
    // Not in the turn of the app's start: opening a file takes some milliseconds.
    this.#started = nextTurn().then(() => {
      this.#slots.open();
    });
  }

  get [recordTarget](): RecordTarget {
    return this;
  }

  get status(): ConnectionStatus {
    return this.#board.status;
  }

  get realm(): Promise<R> {
    return this.#slots.realm.promise as Promise<unknown> as Promise<R>;
  }

  onStatus(listener: StatusListener): () => void {
    return this.#board.subscribe(listener);
  }

  async flush(timeoutMillis = DEFAULT_FLUSH_MILLIS): Promise<boolean> {
    const flushed = await settledWithin(this.#settled(), timeoutMillis);
    return flushed && this.#slots.isSettled;
  }

  pause(): void {
    this.#slots.pause();
  }

  resume(): void {
    this.#slots.resume();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async write(records: readonly RealmRecord[]): Promise<WriteOutcome> {
    if (this.#closing !== undefined) return this.#refuse(records.length);
    await this.#started;
    return this.#writer.write(records);
  }

  countDropped(reason: string, count: number): void {
    this.#board.dropped(reason, count);
  }

  retain(): void {
    this.#exporters += 1;
  }

  async release(timeoutMillis: number): Promise<void> {
    this.#exporters -= 1;
    if (this.#exporters > 0) return;
    const deadline = performance.now() + timeoutMillis;
    const remaining = (keptMillis: number): number => Math.max(0, deadline - keptMillis - performance.now());
    // A server that does not answer must not take the time to close the files and to log how many records are left.
    const closingMillis = Math.min(MAX_CLOSING_MILLIS, timeoutMillis / 10);
    await settledWithin(this.#writer.idle(), remaining(closingMillis));
    const { own } = this.#slots;
    if (own?.isSettled === false) {
      // A short program ends before its first attempt to log in does: without this wait it would never deliver.
      await settledWithin(own.firstAttempt(), remaining(closingMillis));
      if (own.isConnected) await settledWithin(own.settled(), remaining(closingMillis));
    }
    await settledWithin(this.close(), remaining(0));
  }

  #refuse(failed: number): WriteOutcome {
    const error = new ConnectionError('connection-closed', `${failed} records were not stored`);
    this.#board.dropped(error.code, failed);
    return failed === 0 ? { stored: 0, failed } : { stored: 0, failed, error };
  }

  async #settled(): Promise<void> {
    await this.#started;
    await this.#writer.idle();
    await this.#slots.settled();
  }

  async #close(): Promise<void> {
    this.#board.change({ state: 'closed' });
    this.#slots.changed();
    await this.#started;
    await this.#writer.idle();
    this.#board.logUnacknowledged();
    await this.#slots.close();
  }
}
