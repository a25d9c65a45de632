import { collectionToExtendedJson, elementBytes } from './extended-json.js';
import { hrTimeToUnixNano, isInt64 } from './hr-time.js';
import { encodeRealmKey } from '../wire/realm-key.js';
import { ValueTooLargeError, type RecordContext } from './record-context.js';
import { ListValue, MapValue, namesOf, readValue, textOf, type ScalarValue } from './telemetry-value.js';

/**
 * Checks, converts and writes the properties of one Realm object. An unusable value is dropped with a note. No method
 * throws.
 */
export class FieldWriter {
  /** The object, as `realm.create` takes it. */
  readonly values: Record<string, unknown> = {};
  readonly #context: RecordContext;
  readonly #path: string;

  /** @param path - position of the object in its record, for notes: `''` or, for example, `events.` */
  constructor(context: RecordContext, path = '') {
    this.#context = context;
    this.#path = path;
  }

  /** A text that is absent if it is empty. */
  optionalText(field: string, value: unknown): void {
    if (value !== '') this.text(field, value);
  }

  /** A text that is kept if it is empty. Any other value is converted to text, with a note. */
  text(field: string, value: unknown): void {
    if (value === undefined || value === null) return;
    this.#context.enter(this.#path + field);
    if (typeof value !== 'string') this.#context.note('not a string, stored as text');
    this.#putScalar(field, textOf(value));
  }

  /** A 32-bit integer, such as a count or a severity number, that is absent if it is zero. */
  optionalInteger(field: string, value: unknown): void {
    if (value === undefined || value === null || value === 0) return;
    if (typeof value === 'number' && value === (value | 0)) this.values[field] = value;
    else this.#drop(field, 'not a 32-bit integer');
  }

  /** A 32-bit integer that is kept if it is zero. */
  integer(field: string, value: number): void {
    this.values[field] = value;
  }

  /** The name of an enum number, or its digits if it has no name, as in protobuf's JSON. */
  enumName(field: string, value: unknown, names: readonly string[]): void {
    if (typeof value === 'number' && Number.isSafeInteger(value)) {
      this.values[field] = names[value] ?? String(value);
    } else this.#drop(field, 'not an integer');
  }

  /** A time in nanoseconds that is kept if it is zero. @returns the time, or undefined if it is unusable */
  time(field: string, time: unknown): bigint | undefined {
    const nanos = this.#readTime(field, time);
    if (nanos !== undefined) this.values[field] = nanos;
    return nanos;
  }

  /** A time in nanoseconds that is absent if it is zero. @returns the time, or undefined if it is absent */
  optionalTime(field: string, time: unknown): bigint | undefined {
    const nanos = this.#readTime(field, time);
    if (nanos === undefined || nanos === 0n) return undefined;
    this.values[field] = nanos;
    return nanos;
  }

  /** A 64-bit integer. */
  long(field: string, value: bigint): void {
    if (isInt64(value)) this.values[field] = value;
    else this.#drop(field, 'beyond 64 bits');
  }

  /** A list of objects that is absent if it is empty. */
  objects(field: string, values: readonly unknown[]): void {
    if (values.length > 0) this.values[field] = values;
  }

  /** Any value: a scalar in the `mixed` property, a collection as text in the `…Json` property beside it. */
  anyValue(field: string, value: unknown): void {
    this.#context.enter(this.#path + field);
    const size = this.#context.sizeBytes;
    try {
      const read = readValue(value, this.#context);
      if (read === undefined) return;
      if (read instanceof ListValue || read instanceof MapValue) {
        this.values[`${field}Json`] = collectionToExtendedJson(read, this.#context);
      } else this.#putScalar(field, read);
    } catch (error) {
      this.#context.rewind(size);
      this.#context.note(reasonOf(error));
    }
  }

  /**
   * Attributes: scalars in a dictionary, collections as text in the `…Json` property. Each is absent if it is empty.
   *
   * @returns how many attributes were dropped
   */
  attributes(field: string, attributes: unknown): number {
    if (attributes === undefined || attributes === null) return 0;
    const names = this.#namesOfAttributes(field, attributes);
    let dictionary: Record<string, ScalarValue> | undefined;
    let json = '';
    let dropped = 0;
    for (const name of names) {
      this.#context.enter(this.#path + field, name);
      const size = this.#context.sizeBytes;
      try {
        const value = readValue((attributes as Record<string, unknown>)[name], this.#context);
        if (value === undefined) continue;
        const key = encodeRealmKey(name);
        this.#context.spend(elementBytes);
        if (value instanceof ListValue || value instanceof MapValue) {
          const jsonKey = JSON.stringify(key);
          this.#context.spendUtf8(jsonKey);
          json += `${json === '' ? '{' : ','}${jsonKey}:${collectionToExtendedJson(value, this.#context)}`;
        } else {
          this.#context.spendText(key);
          this.#spendScalar(value);
          dictionary ??= {};
          if (key === '__proto__') defineProperty(dictionary, key, value);
          else dictionary[key] = value;
        }
      } catch (error) {
        this.#context.rewind(size);
        this.#context.note(reasonOf(error));
        dropped += 1;
      }
    }
    if (dictionary !== undefined) this.values[field] = dictionary;
    if (json !== '') this.values[`${field}Json`] = `${json}}`;
    return dropped;
  }

  /**
   * Writes `attributes` and `droppedAttributesCount`, which adds the attributes dropped here to those that the SDK dropped.
   *
   * @param droppedBySdk - not trusted
   */
  countedAttributes(attributes: unknown, droppedBySdk: unknown): void {
    const dropped = this.attributes('attributes', attributes);
    const before = typeof droppedBySdk === 'number' && Number.isSafeInteger(droppedBySdk) ? droppedBySdk : 0;
    this.optionalInteger('droppedAttributesCount', dropped === 0 ? droppedBySdk : before + dropped);
  }

  #readTime(field: string, time: unknown): bigint | undefined {
    let nanos: bigint | undefined;
    try {
      nanos = hrTimeToUnixNano(time);
    } catch {
      // A proxy threw: noted like any other unusable value.
    }
    if (nanos === undefined) this.#drop(field, 'not a time of whole nanoseconds in 64 bits');
    return nanos;
  }

  #namesOfAttributes(field: string, attributes: unknown): readonly string[] {
    try {
      if (typeof attributes === 'object' && attributes !== null && !Array.isArray(attributes)) {
        return namesOf(attributes);
      }
    } catch {
      // A proxy threw: noted like any other unusable value.
    }
    this.#drop(field, 'not a map');
    return [];
  }

  #putScalar(field: string, value: ScalarValue): void {
    try {
      this.#spendScalar(value);
      this.values[field] = value;
    } catch (error) {
      this.#context.note(reasonOf(error));
    }
  }

  #spendScalar(value: ScalarValue): void {
    if (typeof value === 'string') this.#context.spendText(value);
    else this.#context.spend(value instanceof Uint8Array ? value.length : 8);
  }

  #drop(field: string, reason: string): void {
    this.#context.enter(this.#path + field);
    this.#context.note(`${reason}, dropped`);
  }
}

/** Assigns a property, `__proto__` included, whose plain assignment would set the prototype. */
function defineProperty(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

function reasonOf(error: unknown): string {
  return error instanceof ValueTooLargeError ? `${error.message}, dropped` : 'could not be read, dropped';
}
