/**
 * Bytes of text in one record. A BSON document is limited to 16 MiB and a Realm string to a little less. The remainder is
 * for names, numbers and their enclosing structure.
 */
export const maxRecordBytes = 16 * 1024 * 1024 - 64 * 1024;

/**
 * Elements of all arrays and maps in one value. Each takes a few microseconds, and a value that repeats one part at every
 * level has exponentially many.
 */
export const maxValueElements = 100_000;

/** Notes of one record: enough to find the cause. */
const maxNotes = 32;

/** Length of an attribute's name in a note. */
const maxNotedLength = 128;

/** A value does not fit into its record. Caught at the level of the whole value. */
export class ValueTooLargeError extends Error {
  constructor(reason = 'does not fit into a document of 16 MiB') {
    super(reason);
  }
}

/** State while one record is mapped: its size, and notes of lost values. */
export class RecordContext {
  #sizeBytes = 0;
  #elements = 0;
  #notes: string[] | undefined;
  #field = '';
  #name: string | undefined;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get notes(): readonly string[] {
    return this.#notes ?? [];
  }

  /** Sets the value that is being mapped next: a field of the record, or an attribute in it. */
  enter(field: string, name?: string): void {
    this.#field = field;
    this.#name = name;
    this.#elements = 0;
  }

  /** Notes that the current value, or a part of it, was dropped or changed. */
  note(what: string): void {
    const notes = (this.#notes ??= []);
    if (notes.length >= maxNotes) return;
    const name = this.#name === undefined ? '' : `[${JSON.stringify(this.#name.slice(0, maxNotedLength))}]`;
    notes.push(`${this.#field}${name}: ${what}`);
  }

  /**
   * Counts bytes of the record.
   *
   * @throws ValueTooLargeError if the record would become too large; then nothing is counted
   */
  spend(bytes: number): void {
    if (this.#sizeBytes + bytes > maxRecordBytes) throw new ValueTooLargeError();
    this.#sizeBytes += bytes;
  }

  /**
   * Counts elements of the current value.
   *
   * @param bytesEach - bytes of each element beside its key and its value
   * @throws ValueTooLargeError if there are too many
   */
  spendElements(count: number, bytesEach: number): void {
    this.#elements += count;
    if (this.#elements > maxValueElements) {
      throw new ValueTooLargeError(`has more than ${maxValueElements} elements`);
    }
    this.spend(count * bytesEach);
  }

  /** Counts a text: by its UTF-8 bytes if it is long, by its length, which is faster, if it is short. */
  spendText(text: string): void {
    if (text.length < 4096) this.spend(text.length);
    else this.spendUtf8(text);
  }

  /** Counts the UTF-8 bytes of a text that becomes part of one larger text, which has its own limit. */
  spendUtf8(text: string): void {
    this.spend(text.length > maxRecordBytes ? text.length : utf8Length(text));
  }

  /** Restores an earlier size, because a partly counted value is dropped. */
  rewind(sizeBytes: number): void {
    this.#sizeBytes = sizeBytes;
  }

  /** Adds the size and the notes of a part that was mapped once, such as a resource. */
  adopt(part: RecordContext): void {
    this.#sizeBytes += part.sizeBytes;
    if (part.#notes !== undefined) (this.#notes ??= []).push(...part.#notes);
  }
}

/** Bytes of a text in UTF-8. A lone surrogate counts as U+FFFD. */
function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (unit >= 0xd800 && unit < 0xdc00 && isLowSurrogate(text.charCodeAt(i + 1))) {
      // Four bytes for two UTF-16 units.
      bytes += 2;
      i++;
    } else bytes += 2;
  }
  return bytes;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}
