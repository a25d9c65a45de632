import type { RealmFileGauge } from './realm-file-gauge.js';

/** The part of the limit that is reserved for records that move from the spool to the synced Realm, and its maximum. */
const MOVING_PART = 1 / 8;
const MAX_MOVING_BYTES = 8 * 1024 * 1024;

/** How often other files are measured while this process writes, in milliseconds. */
const MEASURE_MILLIS = 1000;

/** The files of a service. */
export interface MeasuredFiles {
  /** What the files in all slots take, whichever process has them, in bytes; undefined if files cannot be seen. */
  sizeBytes(): number | undefined;
}

/** Options of a {@link DeviceBudget}. */
export interface DeviceBudgetOptions {
  /** The limit for all files of the service together, in bytes. */
  readonly maxBytes: number;
  readonly files: MeasuredFiles;
  /** A clock in milliseconds that never goes back. */
  readonly now?: () => number;
}

/**
 * The limit for the files of a service on the device, and how much of it is free. All slots of a connection share one.
 *
 * The files that this process writes to are measured at each commit. All other files are measured at most once a second:
 * those of other processes of the service, of slots that ended processes left, of earlier users, and Realm's own.
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

  /** The part of the limit that only moving records may use, so that a full spool can be emptied. */
  get movingBytes(): number {
    return Math.min(MAX_MOVING_BYTES, this.maxBytes * MOVING_PART);
  }

  /** Size of all files. */
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

  /** Measures the other files. If that fails, the last result stays. */
  refresh(): void {
    this.#measuredAt = this.#now();
    let bytes: number | undefined;
    try {
      bytes = this.#options.files.sizeBytes();
    } catch {
      return; // another process has just removed a directory
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
   * @param keptBytes - the part of the limit that is reserved
   */
  roomBytes(gauge: RealmFileGauge, keptBytes = 0): number {
    if (this.#now() - this.#measuredAt >= MEASURE_MILLIS) this.refresh();
    return gauge.roomBytes(this.maxBytes - keptBytes - this.takenBytes);
  }

  #now(): number {
    return (this.#options.now ?? (() => performance.now()))();
  }
}
