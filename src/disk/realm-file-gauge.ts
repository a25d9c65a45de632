/** A Realm file doubles up to this size, then grows by this size at a time. (realm-core, `GroupWriter`.) */
const GROWTH_STEP_BYTES = 1024 * 1024;

/** The part of a file that records can fill. The rest is in pieces too small, or used by an older version of the file. */
const USABLE_PART = 0.9;

/** Bytes of file for a byte of records. A higher ratio comes from an almost empty Realm or one large value. */
const MAX_RATIO = 16;

/** A Realm file and its records. */
export interface GaugedFile {
  /** The size of the file; undefined if the engine has no files. */
  fileBytes(): number | undefined;
  /** The sizes of the records that are not acknowledged or moved yet. */
  recordBytes(): number;
}

/**
 * Measures one Realm file, and estimates how many more records fit into it.
 *
 * The size of the file is not enough: a Realm file hardly shrinks when its records are acknowledged, and their space is used
 * again. So the gauge learns how many bytes of file a byte of records takes: each time the file grows, it was full with the
 * records that were in it before. If the engine has no files, the sizes of the records count.
 */
export class RealmFileGauge {
  readonly #file: GaugedFile;
  #ratio = 1;
  #fileBytes: number | undefined;
  /** The sizes of the records at the last observation. */
  #recordBytes: number;

  constructor(file: GaugedFile) {
    this.#file = file;
    this.#fileBytes = file.fileBytes();
    this.#recordBytes = file.recordBytes();
  }

  /** The size of the file, including free space; the sizes of the records if there is no file. */
  get takenBytes(): number {
    return this.#fileBytes ?? this.#file.recordBytes();
  }

  /** Whether the engine has a file. */
  get isFile(): boolean {
    return this.#fileBytes !== undefined;
  }

  /** Measures the file. Call it after each commit. */
  observe(): void {
    const fullBytes = this.#fileBytes ?? 0;
    const recordBytes = this.#file.recordBytes();
    // Some may have been deleted since the last observation.
    const records = Math.min(this.#recordBytes, recordBytes);
    this.#fileBytes = this.#file.fileBytes();
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
    const records = this.#file.recordBytes();
    const file = this.#fileBytes;
    if (file === undefined) return growthBytes;
    const used = Math.min(file, records * this.#ratio);
    const free = file * USABLE_PART - used;
    return Math.max(0, free, stepsWithin(file, growthBytes) * USABLE_PART) / this.#ratio;
  }
}

/** How much a file can really grow within `growthBytes`, in steps. */
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
