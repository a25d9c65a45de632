import type { RealmFileGauge } from './realm-file-gauge.js';

/** The part of the limit that is left to records which move from the spool to the synced Realm, and its bounds in bytes. */
const MOVING_PART = 1 / 8;
const MAX_MOVING_BYTES = 8 * 1024 * 1024;

/** How long what was measured of others' files is good for, in milliseconds, while this process writes. */
const MEASURE_MILLIS = 1000;

/** The files of a service. */
export interface MeasuredFiles {
  /** What the files in all slots take, whichever process has them, in bytes; undefined if files cannot be seen. */
  sizeBytes(): number | undefined;
}

/** Options of a {@link DeviceBudget}. */
export interface DeviceBudgetOptions {
  /** What all files of the service may take together, in bytes. */
  readonly maxBytes: number;
  readonly files: MeasuredFiles;
  /** A clock in milliseconds that never goes back. */
  readonly now?: () => number;
}

/**
 * What a service may keep on the device, and what of that is still to be had: one for all sessions of a connection.
 *
 * The files that this process writes to are measured at each commit, all others once a second while it writes: those of
 * other processes of the service, of slots that ended processes left, of earlier users, and Realm's own.
 */
export class DeviceBudget {
  readonly #options: DeviceBudgetOptions;
  readonly #gauges = new Set<RealmFileGauge>();
  #otherBytes = 0;
  #measuredAt = -Infinity;

  constructor(options: DeviceBudgetOptions) {
    this.#options = options;
  }

  /** The limit. */
  get maxBytes(): number {
    return this.#options.maxBytes;
  }

  /** How much of the limit only moving records may use, so that a full spool can be emptied. */
  get movingBytes(): number {
    return Math.min(MAX_MOVING_BYTES, this.maxBytes * MOVING_PART);
  }

  /** What everything takes. */
  get takenBytes(): number {
    let bytes = this.#otherBytes;
    for (const gauge of this.#gauges) bytes += gauge.takenBytes;
    return bytes;
  }

  /** A file of ours was opened. */
  add(gauge: RealmFileGauge): void {
    this.#gauges.add(gauge);
    this.refresh();
  }

  /** A file of ours was closed. */
  remove(gauge: RealmFileGauge): void {
    if (this.#gauges.delete(gauge)) this.refresh();
  }

  /** Measures the files of others. Does nothing if that fails: the next time will do. */
  refresh(): void {
    this.#measuredAt = this.#now();
    let bytes: number | undefined;
    try {
      bytes = this.#options.files.sizeBytes();
    } catch {
      return; // a directory that another process is just removing
    }
    if (bytes === undefined) return;
    for (const gauge of this.#gauges) {
      gauge.observe();
      if (gauge.isFile) bytes -= gauge.takenBytes;
    }
    this.#otherBytes = Math.max(0, bytes);
  }

  /**
   * How many more bytes of new records fit into a file.
   *
   * @param keptBytes - so much of the limit is left to others
   */
  roomBytes(gauge: RealmFileGauge, keptBytes = 0): number {
    if (this.#now() - this.#measuredAt >= MEASURE_MILLIS) this.refresh();
    return gauge.roomBytes(this.maxBytes - keptBytes - this.takenBytes);
  }

  #now(): number {
    return (this.#options.now ?? (() => performance.now()))();
  }
}
