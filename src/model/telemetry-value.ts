/**
 * Reads the app's values into the few forms that documents have. No value is trusted: getters, proxies and `toString` may
 * throw, arrays may be sparse, objects may contain themselves.
 *
 * @module
 */
import { isInt64 } from './hr-time.js';
import { maxRecordBytes, ValueTooLargeError, type RecordContext } from './record-context.js';
import { toWellFormed } from './well-formed.js';

/** A value without elements. Strings are well-formed, bigints fit into 64 bits, bytes are a copy. */
export type ScalarValue = null | boolean | number | bigint | string | Uint8Array;

/** An array whose elements are not read yet. Holes, and elements that throw, read as null. */
export class ListValue {
  constructor(readonly source: readonly unknown[]) {}
}

/** A map whose values are not read yet. Its names are distinct. */
export class MapValue {
  constructor(
    readonly source: object,
    readonly entries: readonly (readonly [name: string, value: unknown])[],
  ) {}
}

/**
 * Reads one value of the app.
 *
 * @returns undefined for undefined
 * @throws ValueTooLargeError, and no other error
 */
export function readValue(
  value: unknown,
  context: RecordContext,
): ScalarValue | ListValue | MapValue | undefined {
  switch (typeof value) {
    case 'string':
      return toWellFormed(value);
    case 'number':
    case 'boolean':
    case 'undefined':
      return value;
    case 'bigint':
      return isInt64(value) ? value : value.toString();
    case 'object':
      return value === null ? null : readObject(value, context);
    case 'function':
    case 'symbol':
      context.note(`a ${typeof value}, stored as text`);
      return textOf(value);
  }
}

/** `String(value)` or, if that throws, the value's tag. The text is well-formed. Never throws. */
export function textOf(value: unknown): string {
  try {
    return toWellFormed(String(value));
  } catch {
    return tagOf(value);
  }
}

/** The own enumerable names of an object of the app. @throws whatever a proxy throws */
export function namesOf(source: object): string[] {
  return Object.keys(source);
}

function readObject(value: object, context: RecordContext): ScalarValue | ListValue | MapValue {
  try {
    if (Array.isArray(value)) return new ListValue(value);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (isPlain(prototype)) return new MapValue(value, entriesOfObject(value, context));
    if (isUint8Array(value)) return copyOf(value);
    switch (tagOf(value)) {
      case '[object Date]':
        return Date.prototype.toISOString.call(value);
      case '[object Map]':
        return new MapValue(value, entriesOfMap(value as Map<unknown, unknown>, context));
    }
    if (isError(value)) return new MapValue(value, entriesOfError(value, context));
  } catch (error) {
    if (error instanceof ValueTooLargeError) throw error;
    // For example an invalid Date, a revoked proxy, or an object with a false tag: stored as text.
  }
  return textOf(value);
}

/** Whether objects with this prototype are maps: `{}`, also from another frame or `vm` context, and `Object.create(null)`. */
function isPlain(prototype: unknown): boolean {
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

const typedArrayTag = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag,
);

/** Whether a value is a Uint8Array, including a Buffer and one of another frame. Does not trust its tag. */
function isUint8Array(value: object): value is Uint8Array {
  return typedArrayTag?.get?.call(value) === 'Uint8Array';
}

/** A copy, because the app may write to the original later. */
function copyOf(bytes: Uint8Array): Uint8Array {
  if (bytes.length > maxRecordBytes) throw new ValueTooLargeError();
  return new Uint8Array(bytes);
}

function isError(value: object): value is Error {
  return value instanceof Error || tagOf(value) === '[object Error]';
}

function tagOf(value: unknown): string {
  try {
    return Object.prototype.toString.call(value);
  } catch {
    return typeof value === 'function' ? '[object Function]' : '[object Object]';
  }
}

function entriesOfObject(source: object, context: RecordContext): [string, unknown][] {
  const entries: [string, unknown][] = [];
  for (const name of namesOf(source)) {
    try {
      entries.push([name, (source as Record<string, unknown>)[name]]);
    } catch {
      context.note('a getter in it threw, that part dropped');
    }
  }
  return entries;
}

function entriesOfMap(source: Map<unknown, unknown>, context: RecordContext): [string, unknown][] {
  const entries = new Map<string, unknown>();
  Map.prototype.forEach.call(source, (value: unknown, key: unknown) => {
    const name = typeof key === 'string' ? key : textOf(key);
    if (entries.has(name)) {
      context.note('a Map whose keys have equal names, the later ones dropped');
    } else entries.set(name, value);
  });
  return [...entries];
}

function entriesOfError(source: Error, context: RecordContext): [string, unknown][] {
  const entries: [string, unknown][] = [];
  for (const name of ['name', 'message', 'stack'] as const) {
    try {
      const value: unknown = source[name];
      if (value !== undefined) entries.push([name, typeof value === 'string' ? value : textOf(value)]);
    } catch {
      context.note('a getter in it threw, that part dropped');
    }
  }
  return entries;
}
