/**
 * The primitives of changesets.
 *
 * ```
 * int    = *group last        little endian
 * group  = %b1vvvvvvv         7 bits of the value, more follow
 * last   = %b0svvvvvv         6 bits of the value; s: the value is -v - 1
 * bool   = int                0 or 1
 * string = int *OCTET         length in bytes, UTF-8
 * ```
 *
 * Source: sync protocol, sections 9.1 and 9.4.
 *
 * @module
 */
import { ChangesetError } from './changeset-error.js';

const maxIntBytes = 10;
/** The most groups of 7 bits that a JavaScript number holds exactly. */
const maxNumberBytes = 7;
/** Bits of those groups, and the bound of the bits above them in a 63-bit integer. */
const lowPartBits = 49n;
const maxHighPart = 2 ** 14;
const maxUint32 = 2 ** 32 - 1;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A cursor over a changeset. Every method advances it or throws a {@link ChangesetError}. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #buffer: Buffer;
  #offset = 0;

  /** @param bytes - not copied: {@link bytes} returns views of it */
  constructor(bytes: Uint8Array) {
    // Plain Uint8Arrays, also if a Buffer is given.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Offset of the next byte. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes that are left. */
  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** An int that a JavaScript number holds exactly: every int except property values. */
  int(): number {
    const first = this.#bytes[this.#offset];
    if (first !== undefined && first < 0x40) {
      this.#offset++;
      return first;
    }
    const start = this.#offset;
    const value = this.#shortInt() ?? Number(this.#longInt());
    if (!Number.isSafeInteger(value)) {
      throw new ChangesetError('bad-changeset', start, 'integer out of range');
    }
    return value;
  }

  /** An int of 64 bits. */
  int64(): bigint {
    const short = this.#shortInt();
    return short === undefined ? this.#longInt() : BigInt(short);
  }

  /** An int from 0 to 2^32 - 1: an index, or a count of elements that is not checked yet. */
  uint32(what: string): number {
    const start = this.#offset;
    const value = this.int();
    if (value < 0 || value > maxUint32) {
      throw new ChangesetError('bad-changeset', start, `${what} is ${value}, not from 0 to 2^32 - 1`);
    }
    return value;
  }

  /** An int for the number of bytes or elements that follow: at most the number of bytes left. */
  length(what: string): number {
    const start = this.#offset;
    const value = this.int();
    if (value < 0 || value > this.remaining) {
      throw new ChangesetError(
        'bad-changeset',
        start,
        `${what} is ${value}, with ${this.remaining} bytes left`,
      );
    }
    return value;
  }

  bool(what: string): boolean {
    const start = this.#offset;
    const value = this.int();
    if (value !== 0 && value !== 1) {
      throw new ChangesetError('bad-changeset', start, `${what} is ${value}, not 0 or 1`);
    }
    return value === 1;
  }

  /** Exactly `length` bytes; a view. */
  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** `length` bytes of UTF-8. */
  utf8(length: number): string {
    const start = this.#advance(length);
    const text = this.#buffer.toString('utf8', start, this.#offset);
    // This decoder writes U+FFFD for bytes that are not UTF-8. The strict one tells those from a real U+FFFD.
    return text.includes('\ufffd') ? this.#strictUtf8(start) : text;
  }

  /** IEEE 754, 4 bytes, little endian. */
  float32(): number {
    return this.#buffer.readFloatLE(this.#advance(4));
  }

  /** IEEE 754, 8 bytes, little endian. */
  float64(): number {
    return this.#buffer.readDoubleLE(this.#advance(8));
  }

  /** One byte, unsigned. */
  uint8(): number {
    return this.#bytes[this.#advance(1)] ?? 0;
  }

  /** Whether the next bytes repeat those from `start` to `end`; if so, skips them. */
  skipRepetition(start: number, end: number): boolean {
    const bytes = this.#bytes;
    const offset = this.#offset;
    const length = end - start;
    if (length === 0 || length > bytes.length - offset) return false;
    for (let at = 0; at < length; at++) {
      if (bytes[start + at] !== bytes[offset + at]) return false;
    }
    this.#offset = offset + length;
    return true;
  }

  /** @returns the offset before */
  #advance(length: number): number {
    const start = this.#offset;
    if (length > this.#bytes.length - start) throw this.#truncated();
    this.#offset = start + length;
    return start;
  }

  #strictUtf8(start: number): string {
    try {
      return strictUtf8.decode(this.#bytes.subarray(start, this.#offset));
    } catch {
      throw new ChangesetError('bad-changeset', start, 'string is not UTF-8');
    }
  }

  /** An int of up to 7 bytes; undefined, without advancing, if it has more. */
  #shortInt(): number | undefined {
    const bytes = this.#bytes;
    const start = this.#offset;
    let value = 0;
    let scale = 1;
    for (let at = start; at < start + maxNumberBytes; at++) {
      const byte = bytes[at];
      if (byte === undefined) throw this.#truncated();
      if (byte < 0x80) {
        this.#offset = at + 1;
        value += (byte & 0x3f) * scale;
        return (byte & 0x40) === 0 ? value : -value - 1;
      }
      value += (byte & 0x7f) * scale;
      scale *= 128;
    }
    return undefined;
  }

  /** An int of 8 to 10 bytes: 7 that a number holds exactly, and the rest. */
  #longInt(): bigint {
    const start = this.#offset;
    let low = 0;
    let high = 0;
    let scale = 1;
    for (let index = 0; index < maxIntBytes; index++) {
      const byte = this.#bytes[start + index];
      if (byte === undefined) throw this.#truncated();
      const isLast = byte < 0x80;
      const part = (byte & (isLast ? 0x3f : 0x7f)) * scale;
      if (index < maxNumberBytes) low += part;
      else high += part;
      scale = index === maxNumberBytes - 1 ? 1 : scale * 128;
      if (!isLast) continue;
      if (high >= maxHighPart) throw new ChangesetError('bad-changeset', start, 'integer beyond 64 bits');
      this.#offset = start + index + 1;
      const value = (BigInt(high) << lowPartBits) | BigInt(low);
      return (byte & 0x40) === 0 ? value : -value - 1n;
    }
    throw new ChangesetError('bad-changeset', start, `integer of more than ${maxIntBytes} bytes`);
  }

  #truncated(): ChangesetError {
    return new ChangesetError('bad-changeset', this.#bytes.length, 'ends within an instruction');
  }
}
