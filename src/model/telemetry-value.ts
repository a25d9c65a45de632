/**
 * The app's values, read into the few forms that documents have. Nothing of the app is trusted: getters, proxies and
 * `toString` may throw, arrays may be sparse, objects may contain themselves.
 *
 * @module
 */
import { isInt64 } from './hr-time.js';
import { maxRecordBytes, ValueTooLargeError, type RecordContext } from './record-context.js';
import { toWellFormed } from './well-formed.js';

/** A value without parts. Strings are well-formed, bigints within 64 bits, bytes a copy. */
export type ScalarValue = null | boolean | number | bigint | string | Uint8Array;

/** An array whose elements are still the app's; holes and what throws read as null. */
export class ListValue {
  constructor(readonly source: readonly unknown[]) {}
}

/** A map whose values are still the app's, and whose names are distinct. */
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
 * @throws ValueTooLargeError, and nothing else
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

/** `String(value)`, or the value's tag where that throws; well-formed. Never throws. */
export function textOf(value: unknown): string {
  try {
    return toWellFormed(String(value));
  } catch {
    return tagOf(value);
  }
}

/** The own enumerable names of an object of the app. @throws what a proxy throws */
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
    // An invalid Date, a revoked proxy, something that only looks like what it says it is: text, like all else.
  }
  return textOf(value);
}

/** Whether objects of this prototype are maps: `{}`, also of another frame or `vm` context, and `Object.create(null)`. */
function isPlain(prototype: unknown): boolean {
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

const typedArrayTag = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag,
);

/** Whether a value is a Uint8Array (a Buffer, one of another frame), whatever it says of itself. */
function isUint8Array(value: object): value is Uint8Array {
  return typedArrayTag?.get?.call(value) === 'Uint8Array';
}

/** The app may go on to write into its own. */
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
