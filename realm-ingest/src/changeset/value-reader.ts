/**
 * Reads the parts of instructions: interned strings, object keys, paths, types and payloads.
 *
 * ```
 * str     = int                                     index of an interned string
 * key     = type [int / str / 12OCTET / 16OCTET / int int]
 * path    = count:int *(int / -1 str)
 * payload = type *OCTET
 * ```
 *
 * Source: sync protocol, sections 9.2 to 9.4.
 *
 * @module
 */
import { ByteReader } from './byte-reader.js';
import { ChangesetError } from './changeset-error.js';
import { readDecimal128 } from './decimal128.js';
import type { DeclaredType, Marker, ObjectKey, Path, Payload } from './instruction.js';

/** Type codes of columns, primary keys and payloads (where 0 is null). */
const typesByCode = new Map<number, DeclaredType>([
  [0, 'mixed'],
  [1, 'int'],
  [2, 'bool'],
  [3, 'string'],
  [4, 'binary'],
  [5, 'timestamp'],
  [6, 'float'],
  [7, 'double'],
  [8, 'decimal128'],
  [9, 'link'],
  [10, 'objectId'],
  [11, 'uuid'],
  [-1, 'globalKey'],
  [-2, 'ObjectValue'],
  [-3, 'Dictionary'],
  [-4, 'Erased'],
  [-5, 'List'],
  [-6, 'Set'],
]);

// Shared: these values have no data of their own.
const nullValue = { type: 'null' } as const;
const trueValue = { type: 'bool', value: true } as const;
const falseValue = { type: 'bool', value: false } as const;
const objectValue: Marker = { type: 'ObjectValue' };
const dictionary: Marker = { type: 'Dictionary' };
const erased: Marker = { type: 'Erased' };
const list: Marker = { type: 'List' };
const set: Marker = { type: 'Set' };

const emptyPath: Path = [];
const stringElement = -1;
const maxNanoseconds = 999_999_999;

/**
 * The most interned strings of a changeset. Clients intern the names of classes and fields, dictionary keys and primary
 * keys. An unbounded table could take many times the changeset's size.
 */
const maxInternedStrings = 1 << 21;

/** A cursor over a changeset that keeps its interned strings. Throws {@link ChangesetError}s. */
export class ValueReader {
  readonly #reader: ByteReader;
  readonly #strings: string[] = [];
  readonly #distinctStrings = new Set<string>();
  #lastKey: ObjectKey = nullValue;
  #lastKeyStart = 0;
  #lastKeyEnd = 0;

  constructor(bytes: Uint8Array) {
    this.#reader = new ByteReader(bytes);
  }

  /** Reads primitives at the same cursor. */
  get primitives(): ByteReader {
    return this.#reader;
  }

  /** `index:int length:int bytes`: declares the next interned string. */
  internString(): void {
    const reader = this.#reader;
    const start = reader.offset;
    const index = reader.int();
    if (index !== this.#strings.length) {
      throw new ChangesetError(
        'bad-changeset',
        start,
        `interned string ${index}, expected ${this.#strings.length}`,
      );
    }
    if (index >= maxInternedStrings) {
      throw new ChangesetError('bad-changeset', start, `more than ${maxInternedStrings} interned strings`);
    }
    const text = reader.utf8(reader.length('length of an interned string'));
    if (this.#distinctStrings.has(text)) {
      throw new ChangesetError('bad-changeset', start, `interned string ${index} is a repetition`);
    }
    this.#distinctStrings.add(text);
    this.#strings.push(text);
  }

  /** An interned string, by its index. */
  str(): string {
    const start = this.#reader.offset;
    const index = this.#reader.int();
    const text = this.#strings[index];
    if (text === undefined) throw new ChangesetError('bad-changeset', start, `no interned string ${index}`);
    return text;
  }

  /** An object's key. If its bytes equal the previous key's, it is the same JavaScript object. */
  objectKey(): ObjectKey {
    const reader = this.#reader;
    if (reader.skipRepetition(this.#lastKeyStart, this.#lastKeyEnd)) return this.#lastKey;
    const start = reader.offset;
    const key = this.#readObjectKey();
    this.#lastKey = key;
    this.#lastKeyStart = start;
    this.#lastKeyEnd = reader.offset;
    return key;
  }

  path(): Path {
    const reader = this.#reader;
    const count = reader.length('length of a path');
    if (count === 0) return emptyPath;
    const path: (string | number)[] = [];
    for (let at = 0; at < count; at++) path.push(this.#pathElement());
    return path;
  }

  /** The declared type of a column, of a dictionary's keys or of a primary key. */
  declaredType(): DeclaredType {
    const start = this.#reader.offset;
    const code = this.#reader.int();
    const type = typesByCode.get(code);
    if (type === undefined) throw new ChangesetError('bad-changeset', start, `unknown type ${code}`);
    return type;
  }

  payload(): Payload {
    const reader = this.#reader;
    const start = reader.offset;
    const code = reader.int();
    switch (code) {
      case 0:
        return nullValue;
      case 1:
        return { type: 'int', value: reader.int64() };
      case 2:
        return reader.bool('boolean') ? trueValue : falseValue;
      case 3:
        return { type: 'string', value: reader.utf8(reader.length('length of a string')) };
      case 4:
        return { type: 'binary', value: reader.bytes(reader.length('length of a binary')) };
      case 5:
        return this.#timestamp();
      case 6:
        return { type: 'float', value: reader.float32() };
      case 7:
        return { type: 'double', value: reader.float64() };
      case 8:
        return { type: 'decimal128', value: readDecimal128(reader) };
      case 9:
        return { type: 'link', className: this.str(), primaryKey: this.#readObjectKey() };
      case 10:
        return { type: 'objectId', value: reader.bytes(12) };
      case 11:
        return { type: 'uuid', value: reader.bytes(16) };
      case -2:
        return objectValue;
      case -3:
        return dictionary;
      case -4:
        return erased;
      case -5:
        return list;
      case -6:
        return set;
      default:
        throw new ChangesetError('bad-changeset', start, `unknown type of value ${code}`);
    }
  }

  #readObjectKey(): ObjectKey {
    const reader = this.#reader;
    const start = reader.offset;
    const code = reader.int();
    switch (code) {
      case 0:
        return nullValue;
      case 1:
        return { type: 'int', value: reader.int64() };
      case 3:
        return { type: 'string', value: this.str() };
      case 10:
        return { type: 'objectId', value: reader.bytes(12) };
      case 11:
        return { type: 'uuid', value: reader.bytes(16) };
      case -1:
        return { type: 'globalKey', high: reader.int64(), low: reader.int64() };
      default:
        throw new ChangesetError('bad-changeset', start, `unknown type of key ${code}`);
    }
  }

  #pathElement(): string | number {
    const start = this.#reader.offset;
    const element = this.#reader.int();
    if (element === stringElement) return this.str();
    if (element < 0 || element >= 2 ** 32) {
      throw new ChangesetError('bad-changeset', start, `path element ${element}, not from 0 to 2^32 - 1`);
    }
    return element;
  }

  /** `seconds:int nanoseconds:int`, of the same sign. */
  #timestamp(): Payload {
    const reader = this.#reader;
    const seconds = reader.int64();
    const start = reader.offset;
    const nanoseconds = reader.int();
    const sameSign = seconds === 0n || nanoseconds === 0 || seconds > 0n === nanoseconds > 0;
    if (Math.abs(nanoseconds) > maxNanoseconds || !sameSign) {
      throw new ChangesetError('bad-changeset', start, `timestamp of ${seconds} s and ${nanoseconds} ns`);
    }
    return { type: 'timestamp', seconds, nanoseconds };
  }
}
