/**
 * Bytes of text that one record may hold. A document may take 16 MiB in BSON, and a Realm string a little less: the rest
 * is left to names, numbers and what encloses them.
 */
export const maxRecordBytes = 16 * 1024 * 1024 - 64 * 1024;

/**
 * Elements that the arrays and maps of one value may have, all levels together. Each takes a few microseconds, and a value
 * that holds the same part at many places has exponentially many of them.
 */
export const maxValueElements = 100_000;

/** Of one record: enough to find the cause by. */
const maxNotes = 32;

/** Of an attribute's name in a note. */
const maxNotedLength = 128;

/** Thrown, and caught where a whole value is mapped: it does not fit into its record. */
export class ValueTooLargeError extends Error {
  constructor(reason = 'does not fit into a document of 16 MiB') {
    super(reason);
  }
}

/** What is kept while one record is mapped: its size, and what was lost on the way. */
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

  /** Says which value is being mapped: a field of the record, or an attribute in it. */
  enter(field: string, name?: string): void {
    this.#field = field;
    this.#name = name;
    this.#elements = 0;
  }

  /** Notes that the value being mapped, or a part of it, was dropped or changed. */
  note(what: string): void {
    const notes = (this.#notes ??= []);
    if (notes.length >= maxNotes) return;
    const name = this.#name === undefined ? '' : `[${JSON.stringify(this.#name.slice(0, maxNotedLength))}]`;
    notes.push(`${this.#field}${name}: ${what}`);
  }

  /**
   * Counts bytes of the record.
   *
   * @throws ValueTooLargeError when there are too many; then nothing is counted
   */
  spend(bytes: number): void {
    if (this.#sizeBytes + bytes > maxRecordBytes) throw new ValueTooLargeError();
    this.#sizeBytes += bytes;
  }

  /**
   * Counts elements of the value being mapped.
   *
   * @param bytesEach - what each takes beside its key and its own value
   * @throws ValueTooLargeError when there are too many of them
   */
  spendElements(count: number, bytesEach: number): void {
    this.#elements += count;
    if (this.#elements > maxValueElements) {
      throw new ValueTooLargeError(`has more than ${maxValueElements} elements`);
    }
    this.spend(count * bytesEach);
  }

  /** Counts a text: a long one by its bytes in UTF-8, a short one, for speed, by its length. */
  spendText(text: string): void {
    if (text.length < 4096) this.spend(text.length);
    else this.spendUtf8(text);
  }

  /** Counts a text by its bytes in UTF-8: for parts of what becomes one text, which has a limit of its own. */
  spendUtf8(text: string): void {
    this.spend(text.length > maxRecordBytes ? text.length : utf8Length(text));
  }

  /** Goes back to an earlier size: a value that was counted in part is dropped. */
  rewind(sizeBytes: number): void {
    this.#sizeBytes = sizeBytes;
  }

  /** Takes over what a part that was mapped once, as a resource, came to. */
  adopt(part: RecordContext): void {
    this.#sizeBytes += part.sizeBytes;
    if (part.#notes !== undefined) (this.#notes ??= []).push(...part.#notes);
  }
}

/** Bytes of a well-formed text in UTF-8; of an ill-formed one, with U+FFFD for each lone surrogate, too. */
function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (unit >= 0xd800 && unit < 0xdc00 && isLowSurrogate(text.charCodeAt(i + 1))) {
      // Four bytes for two units.
      bytes += 2;
      i++;
    } else bytes += 2;
  }
  return bytes;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}
