/** How a Realm file grows: it doubles up to here, then grows by as much at a time. (realm-core, `GroupWriter`.) */
const GROWTH_STEP_BYTES = 1024 * 1024;

/** The part of a file that its records can fill: the rest is in pieces too small, or held by an older version of it. */
const USABLE_PART = 0.9;

/** Bytes of file for a byte of records: more is not the records' doing, but that of an empty Realm or of one large value. */
const MAX_RATIO = 16;

/** What a gauge reads. */
export interface RealmFileGaugeOptions {
  /** The size of the file; undefined where files cannot be seen, as those in memory. */
  readonly fileBytes: () => number | undefined;
  /** What the records in it that cannot be dropped yet come to by their own sizes. */
  readonly recordBytes: () => number;
}

/**
 * Knows what one Realm file takes, and how much more would fit.
 *
 * A file's size alone does not tell: a Realm that has grown hardly shrinks when its records were acknowledged; their room
 * is used again. So the gauge learns how many bytes of file a byte of records takes. Whenever the file has to grow, it was
 * full with the records that it held before. Where no file can be seen, the records' own sizes have to do.
 */
export class RealmFileGauge {
  readonly #options: RealmFileGaugeOptions;
  #ratio = 1;
  #fileBytes: number | undefined;
  /** The records at the last look. */
  #recordBytes: number;

  constructor(options: RealmFileGaugeOptions) {
    this.#options = options;
    this.#fileBytes = options.fileBytes();
    this.#recordBytes = options.recordBytes();
  }

  /** What the file takes, the free room in it included; the records' sizes where no file can be seen. */
  get takenBytes(): number {
    return this.#fileBytes ?? this.#options.recordBytes();
  }

  /** Whether there is a file to be seen. */
  get isFile(): boolean {
    return this.#fileBytes !== undefined;
  }

  /** Looks at the file, after each commit of ours. */
  observe(): void {
    const fullBytes = this.#fileBytes ?? 0;
    const recordBytes = this.#options.recordBytes();
    // Some may have been deleted since the last look.
    const records = Math.min(this.#recordBytes, recordBytes);
    this.#fileBytes = this.#options.fileBytes();
    this.#recordBytes = recordBytes;
    const hasGrown = (this.#fileBytes ?? 0) > fullBytes;
    if (hasGrown && fullBytes > 0 && records * MAX_RATIO > fullBytes) this.#ratio = fullBytes / records;
  }

  /**
   * How many more bytes of records fit.
   *
   * @param growthBytes - by how much the file may grow
   */
  roomBytes(growthBytes: number): number {
    const records = this.#options.recordBytes();
    const file = this.#fileBytes;
    if (file === undefined) return growthBytes;
    const used = Math.min(file, records * this.#ratio);
    const free = file * USABLE_PART - used;
    return Math.max(0, free, stepsWithin(file, growthBytes) * USABLE_PART) / this.#ratio;
  }
}

/** By how much a file can really grow, if it may grow by so much. */
function stepsWithin(fileBytes: number, growthBytes: number): number {
  let grown = 0;
  // Every step of a small file doubles it.
  for (let size = Math.max(1, fileBytes); size < GROWTH_STEP_BYTES; size *= 2) {
    if (grown + size > growthBytes) return grown;
    grown += size;
  }
  const wholeSteps = Math.floor((growthBytes - grown) / GROWTH_STEP_BYTES);
  return grown + Math.max(0, wholeSteps) * GROWTH_STEP_BYTES;
}
