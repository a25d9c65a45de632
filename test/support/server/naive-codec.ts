/**
 * Changesets the slow way, as an oracle: written from the protocol page's section 9 alone, with bigints and hex
 * text, and without any of the source's code. It encodes any instruction, also illegal ones, and decodes well-formed
 * changesets.
 *
 * @module
 */
import type {
  DeclaredType,
  Instruction,
  ObjectKey,
  Path,
  Payload,
} from '../../../realm-ingest/src/changeset/instruction.js';

/** An instruction before it stands at an offset. */
export type NewInstruction = Instruction extends infer I
  ? I extends unknown
    ? Omit<I, 'offset'>
    : never
  : never;

/** Table in section 9.4; as a column, type 0 is mixed. */
const typeCodes: Record<DeclaredType, number> = {
  mixed: 0,
  int: 1,
  bool: 2,
  string: 3,
  binary: 4,
  timestamp: 5,
  float: 6,
  double: 7,
  decimal128: 8,
  link: 9,
  objectId: 10,
  uuid: 11,
  globalKey: -1,
  ObjectValue: -2,
  Dictionary: -3,
  Erased: -4,
  List: -5,
  Set: -6,
};

export function encodeInt(value: bigint | number): string {
  let rest = BigInt(value) < 0n ? -BigInt(value) - 1n : BigInt(value);
  let hex = '';
  while (rest > 0x3fn) {
    hex += hexByte(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return hex + hexByte(Number(rest) | (BigInt(value) < 0n ? 0x40 : 0));
}

/** Decimal of BSON's 16 bytes, as Realm writes it. */
export function encodeDecimal(bytes: Uint8Array): string {
  const bits = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
  let coefficient = bits & ((1n << 113n) - 1n);
  const exponent = ((bits >> 113n) & 0x3fffn) - 6176n;
  let hex = '';
  while (coefficient > 0x3fn) {
    hex += hexByte(Number(coefficient & 0x7fn) | 0x80);
    coefficient >>= 7n;
  }
  return hex + hexByte(Number(coefficient)) + encodeInt(exponent) + encodeInt(bits >> 127n);
}

/** Encodes instructions; strings are interned in front of the instruction that first needs them. */
export function encodeChangeset(instructions: readonly NewInstruction[]): Uint8Array {
  const strings: string[] = [];
  let hex = '';
  for (const instruction of instructions) {
    // Not `hex += …`: the strings that it interns come first.
    const encoded = encodeInstruction(instruction);
    hex += encoded;
  }
  return new Uint8Array(Buffer.from(hex, 'hex'));

  function str(text: string): string {
    let index = strings.indexOf(text);
    if (index < 0) {
      index = strings.push(text) - 1;
      hex += `3f${encodeInt(index)}${inline(Buffer.from(text))}`;
    }
    return encodeInt(index);
  }

  function encodeInstruction(i: NewInstruction): string {
    switch (i.type) {
      case 'AddTable': {
        const kind = { 'top-level': '00', embedded: '01', asymmetric: '02' }[i.kind];
        const key = i.primaryKey;
        return `00${str(i.table)}${kind}${key ? str(key.field) + type(key.type) + bool(key.nullable) : ''}`;
      }
      case 'EraseTable':
        return `01${str(i.table)}`;
      case 'CreateObject':
        return `02${str(i.table)}${objectKey(i.object)}`;
      case 'EraseObject':
        return `03${str(i.table)}${objectKey(i.object)}`;
      case 'Update':
        return `04${place(i)}${payload(i.value)}${i.priorSize === undefined ? bool(i.isDefault ?? false) : encodeInt(i.priorSize)}`;
      case 'AddInteger':
        return `05${place(i)}${encodeInt(i.value)}`;
      case 'AddColumn': {
        const head = `06${str(i.table)}${str(i.field)}${type(i.columnType)}${bool(i.nullable)}`;
        const collection = encodeInt(['single', 'list', 'dictionary', 'set'].indexOf(i.collection));
        const target = i.target === undefined ? '' : str(i.target);
        return head + collection + target + (i.keyType === undefined ? '' : type(i.keyType));
      }
      case 'EraseColumn':
        return `07${str(i.table)}${str(i.field)}`;
      case 'ArrayInsert':
        return `08${place(i)}${payload(i.value)}${encodeInt(i.priorSize)}`;
      case 'ArrayMove':
        return `09${place(i)}${encodeInt(i.toIndex)}${encodeInt(i.priorSize)}`;
      case 'ArrayErase':
        return `0a${place(i)}${encodeInt(i.priorSize)}`;
      case 'Clear':
        return `0b${place(i)}${encodeInt(i.collection)}`;
      case 'SetInsert':
        return `0c${place(i)}${payload(i.value)}`;
      case 'SetErase':
        return `0d${place(i)}${payload(i.value)}`;
    }
  }

  function place(i: { table: string; object: ObjectKey; field: string; path: Path }): string {
    const path = i.path.map((element) =>
      typeof element === 'number' ? encodeInt(element) : `40${str(element)}`,
    );
    return str(i.table) + objectKey(i.object) + str(i.field) + encodeInt(i.path.length) + path.join('');
  }

  function objectKey(key: ObjectKey): string {
    switch (key.type) {
      case 'null':
        return '00';
      case 'int':
        return `01${encodeInt(key.value)}`;
      case 'string':
        return `03${str(key.value)}`;
      case 'objectId':
        return `0a${hexOf(key.value)}`;
      case 'uuid':
        return `0b${hexOf(key.value)}`;
      case 'globalKey':
        return `40${encodeInt(key.high)}${encodeInt(key.low)}`;
    }
  }

  function payload(value: Payload): string {
    const code = value.type === 'null' ? '00' : type(value.type);
    switch (value.type) {
      case 'int':
        return code + encodeInt(value.value);
      case 'bool':
        return code + bool(value.value);
      case 'string':
        return code + inline(Buffer.from(value.value));
      case 'binary':
        return code + inline(value.value);
      case 'timestamp':
        return code + encodeInt(value.seconds) + encodeInt(value.nanoseconds);
      case 'float': {
        const bytes = Buffer.alloc(4);
        bytes.writeFloatLE(value.value);
        return code + hexOf(bytes);
      }
      case 'double': {
        const bytes = Buffer.alloc(8);
        bytes.writeDoubleLE(value.value);
        return code + hexOf(bytes);
      }
      case 'decimal128':
        return code + encodeDecimal(value.value);
      case 'link':
        return code + str(value.className) + objectKey(value.primaryKey);
      case 'objectId':
      case 'uuid':
        return code + hexOf(value.value);
      case 'null':
      case 'ObjectValue':
      case 'Dictionary':
      case 'Erased':
      case 'List':
      case 'Set':
        return code;
    }
  }
}

/** Decodes a well-formed changeset; anything else throws an ordinary Error, or gives nonsense. */
export function decodeChangeset(bytes: Uint8Array): Instruction[] {
  const strings: string[] = [];
  const instructions: Instruction[] = [];
  let at = 0;
  while (at < bytes.length) {
    const offset = at;
    const code = int();
    if (code === 63) {
      if (int() !== strings.length) throw new Error('index out of sequence');
      const text = utf8(int());
      if (strings.includes(text)) throw new Error('string declared twice');
      strings.push(text);
    } else {
      instructions.push({ offset, ...decodeInstruction(code) } as Instruction);
    }
  }
  return instructions;

  function decodeInstruction(code: number): object {
    const table = str();
    if (code === 0) return { type: 'AddTable', table, ...decodeAddTable() };
    if (code === 1) return { type: 'EraseTable', table };
    if (code === 6) return { type: 'AddColumn', table, ...decodeAddColumn() };
    if (code === 7) return { type: 'EraseColumn', table, field: str() };
    if (code < 0 || code > 13) throw new Error('unknown instruction');
    const object = objectKey();
    if (code === 2) return { type: 'CreateObject', table, object };
    if (code === 3) return { type: 'EraseObject', table, object };
    const field = str();
    const path = repeat(int(), pathElement);
    const place = { table, object, field, path };
    const endsInIndex = typeof path.at(-1) === 'number';
    if (code === 4) {
      const value = payload();
      if (endsInIndex) return { type: 'Update', ...place, value, priorSize: uint(), isDefault: undefined };
      return { type: 'Update', ...place, value, priorSize: undefined, isDefault: bool() };
    }
    if (code === 5) return { type: 'AddInteger', ...place, value: bigint() };
    if (code === 11) return { type: 'Clear', ...place, collection: uint() };
    if (code === 12) return { type: 'SetInsert', ...place, value: payload() };
    if (code === 13) return { type: 'SetErase', ...place, value: payload() };
    if (!endsInIndex) throw new Error('no index');
    if (code === 8) return { type: 'ArrayInsert', ...place, value: payload(), priorSize: uint() };
    if (code === 9) return { type: 'ArrayMove', ...place, toIndex: uint(), priorSize: uint() };
    return { type: 'ArrayErase', ...place, priorSize: uint() };
  }

  function decodeAddTable(): object {
    const kind = ['top-level', 'embedded', 'asymmetric'].at(uint());
    if (kind === undefined) throw new Error('unknown kind');
    if (kind === 'embedded') return { kind, primaryKey: undefined };
    return { kind, primaryKey: { field: str(), type: type(), nullable: bool() } };
  }

  function decodeAddColumn(): object {
    const field = str();
    const columnType = type();
    const nullable = bool();
    const collection = ['single', 'list', 'dictionary', 'set'].at(uint());
    if (collection === undefined) throw new Error('unknown collection');
    const target = columnType === 'link' ? str() : undefined;
    const keyType = collection === 'dictionary' ? type() : undefined;
    return { field, columnType, nullable, collection, target, keyType };
  }

  function objectKey(): ObjectKey {
    const code = int();
    if (code === 0) return { type: 'null' };
    if (code === 1) return { type: 'int', value: bigint() };
    if (code === 3) return { type: 'string', value: str() };
    if (code === 10) return { type: 'objectId', value: take(12) };
    if (code === 11) return { type: 'uuid', value: take(16) };
    if (code === -1) return { type: 'globalKey', high: bigint(), low: bigint() };
    throw new Error('unknown key');
  }

  function pathElement(): string | number {
    const element = int();
    if (element === -1) return str();
    if (element < 0 || element >= 2 ** 32) throw new Error('path element');
    return element;
  }

  function payload(): Payload {
    const code = int();
    if (code === 0) return { type: 'null' };
    if (code === 1) return { type: 'int', value: bigint() };
    if (code === 2) return { type: 'bool', value: bool() };
    if (code === 3) return { type: 'string', value: utf8(int()) };
    if (code === 4) return { type: 'binary', value: take(int()) };
    if (code === 5) return timestamp();
    if (code === 6) return { type: 'float', value: Buffer.from(take(4)).readFloatLE() };
    if (code === 7) return { type: 'double', value: Buffer.from(take(8)).readDoubleLE() };
    if (code === 8) return decimal();
    if (code === 9) return { type: 'link', className: str(), primaryKey: objectKey() };
    if (code === 10) return { type: 'objectId', value: take(12) };
    if (code === 11) return { type: 'uuid', value: take(16) };
    if (code === -2) return { type: 'ObjectValue' };
    if (code === -3) return { type: 'Dictionary' };
    if (code === -4) return { type: 'Erased' };
    if (code === -5) return { type: 'List' };
    if (code === -6) return { type: 'Set' };
    throw new Error('unknown payload');
  }

  function timestamp(): Payload {
    const seconds = bigint();
    const nanoseconds = int();
    const agree = seconds * BigInt(nanoseconds) >= 0n;
    if (!agree || nanoseconds >= 1e9 || nanoseconds <= -1e9) throw new Error('timestamp');
    return { type: 'timestamp', seconds, nanoseconds };
  }

  function decimal(): Payload {
    let coefficient = 0n;
    let groups = 0n;
    let byte: number;
    do {
      byte = take(1)[0]!;
      coefficient += BigInt(byte & 127) << (7n * groups++);
    } while (byte >= 128 && groups < 17n);
    const exponent = bigint() + 6176n;
    const sign = bool() ? 1n : 0n;
    if (byte >= 128 || coefficient >= 1n << 113n || exponent < 0n || exponent >= 1n << 14n)
      throw new Error('decimal');
    const bits = coefficient + (exponent << 113n) + (sign << 127n);
    const hex = bits.toString(16).padStart(32, '0');
    return { type: 'decimal128', value: new Uint8Array(Buffer.from(hex, 'hex').reverse()) };
  }

  function type(): DeclaredType {
    const code = int();
    const found = Object.entries(typeCodes).find(([, value]) => value === code);
    if (!found) throw new Error('unknown type');
    return found[0] as DeclaredType;
  }

  function str(): string {
    const text = strings[int()];
    if (text === undefined) throw new Error('unknown string');
    return text;
  }

  function bool(): boolean {
    const value = int();
    if (value !== 0 && value !== 1) throw new Error('boolean');
    return value === 1;
  }

  function uint(): number {
    const value = int();
    if (value < 0 || value >= 2 ** 32) throw new Error('count');
    return value;
  }

  function int(): number {
    const value = Number(bigint());
    if (!Number.isSafeInteger(value)) throw new Error('too big');
    return value;
  }

  function bigint(): bigint {
    let value = 0n;
    for (let group = 0n; group < 10n; group++) {
      const byte = BigInt(take(1)[0]!);
      if (byte >= 128n) {
        value += (byte - 128n) << (7n * group);
        continue;
      }
      value += (byte % 64n) << (7n * group);
      if (value >= 1n << 63n) throw new Error('beyond 64 bits');
      return byte >= 64n ? -value - 1n : value;
    }
    throw new Error('too long');
  }

  function utf8(length: number): string {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(take(length));
  }

  function repeat<T>(count: number, read: () => T): T[] {
    if (count < 0 || count > bytes.length - at) throw new Error('count');
    return Array.from({ length: count }, read);
  }

  function take(length: number): Uint8Array {
    if (length < 0 || length > bytes.length - at) throw new Error('truncated');
    at += length;
    return bytes.slice(at - length, at);
  }
}

const type = (name: DeclaredType): string => encodeInt(typeCodes[name]);
const bool = (value: boolean): string => (value ? '01' : '00');
const hexByte = (byte: number): string => byte.toString(16).padStart(2, '0');
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const inline = (bytes: Uint8Array): string => encodeInt(bytes.length) + hexOf(bytes);
