/**
 * Reads the ASCII fields before the body of a message, or before a changeset within an UPLOAD.
 *
 * ```
 * field   = 1*vchar (SP / LF)        exactly one separator after each field
 * integer = "0" / ["-"] nonzero-digit *digit
 * flag    = "0" / "1"
 * ```
 *
 * Source: sync protocol, section 3.
 *
 * @module
 */
import { ProtocolError } from './protocol-error.js';
import type { ErrorWireCode } from './wire-codes.js';

const space = 0x20;
const lineFeed = 0x0a;
/** Enough for "-9223372036854775808" and for every message type. */
const maxFieldBytes = 20;
const integerGrammar = /^(?:0|-?[1-9][0-9]*)$/;

const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;
const maxUint64 = 2n ** 64n - 1n;

/** A cursor over fields. Every method advances it past the separator or throws a {@link ProtocolError}. */
export class FieldReader {
  readonly #bytes: Uint8Array;
  readonly #wireCode: ErrorWireCode;
  readonly #context: string;
  #offset: number;
  #ended = false;

  /**
   * @param bytes - not copied
   * @param start - offset of the first field
   * @param wireCode - code of the errors
   * @param context - what is read, for the errors' text
   */
  constructor(bytes: Uint8Array, start: number, wireCode: ErrorWireCode, context: string) {
    this.#bytes = bytes;
    this.#offset = start;
    this.#wireCode = wireCode;
    this.#context = context;
  }

  /** Offset of the first byte after the last separator. */
  get offset(): number {
    return this.#offset;
  }

  /** Whether a line feed has ended the fields. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Any field, of 1 to 20 visible ASCII characters. */
  text(name: string): string {
    if (this.#ended) throw this.#error(this.#offset, `${name} is missing`);
    const start = this.#offset;
    const limit = Math.min(this.#bytes.length, start + maxFieldBytes + 1);
    let text = '';
    for (let at = start; at < limit; at++) {
      const byte = this.#bytes[at] ?? 0;
      if (byte === space || byte === lineFeed) {
        if (text === '') throw this.#error(start, `${name} is empty`);
        this.#offset = at + 1;
        this.#ended = byte === lineFeed;
        return text;
      }
      if (byte < 0x21 || byte > 0x7e) throw this.#error(at, `${name} contains the byte ${byte}`);
      text += String.fromCharCode(byte);
    }
    throw this.#error(limit, limit === this.#bytes.length ? `${name} is cut off` : `${name} is too long`);
  }

  /** An integer from `min` to `max`, inclusive. */
  integer(name: string, min: bigint, max: bigint): bigint {
    const start = this.#offset;
    const text = this.text(name);
    if (!integerGrammar.test(text)) throw this.#error(start, `${name} is "${text}", not an integer`);
    const value = BigInt(text);
    if (value < min || value > max) throw this.#error(start, `${name} is ${text}, not from ${min} to ${max}`);
    return value;
  }

  /** A signed 64-bit integer: salts, timestamps. */
  int64(name: string): bigint {
    return this.integer(name, minInt64, maxInt64);
  }

  /** An integer from 0 to 2^64 - 1. */
  uint64(name: string): bigint {
    return this.integer(name, 0n, maxUint64);
  }

  /** An integer from 0 to 2^63 - 1: idents, versions. */
  version(name: string): bigint {
    return this.integer(name, 0n, maxInt64);
  }

  /** An integer from `min` to 2^53 - 1: sizes, session idents. */
  size(name: string, min = 0): number {
    return Number(this.integer(name, BigInt(min), BigInt(Number.MAX_SAFE_INTEGER)));
  }

  /** `0` or `1`. */
  flag(name: string): boolean {
    return this.integer(name, 0n, 1n) === 1n;
  }

  /**
   * Checks that a line feed has ended the fields, and that exactly `bodyBytes` bytes follow.
   *
   * @returns the body, a view
   */
  body(bodyBytes: number): Uint8Array {
    if (!this.#ended) throw this.#error(this.#offset, 'more fields than expected');
    const given = this.#bytes.length - this.#offset;
    if (given !== bodyBytes)
      throw this.#error(this.#offset, `${bodyBytes} bytes announced, ${given} present`);
    return this.#bytes.subarray(this.#offset);
  }

  #error(offset: number, particulars: string): ProtocolError {
    return new ProtocolError('message-syntax', `${this.#context}: ${particulars}`, {
      wireCode: this.#wireCode,
      offset,
    });
  }
}
