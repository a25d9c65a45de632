import { Binary, Decimal128, Double, Int32, ObjectId } from 'bson';
import type { Document, DocumentValue } from '../document.js';
import {
  fitsInt32,
  isIsoTime,
  ruleOfElement,
  ruleOfField,
  type FieldRule,
  type JsonForm,
} from './json-form.js';
import { JsonNumber, parseJson, type JsonObject, type JsonValue } from './parse-json.js';

/**
 * Decodes a document that `encodeDocument` wrote.
 *
 * @throws SyntaxError, or an error of `bson`, for any other text
 */
export function decodeDocument(text: string, form: JsonForm): Document {
  const value = parseJson(text);
  if (!isObject(value) || wrapperType(value) !== undefined) throw new SyntaxError('not a document');
  return decodeMap(value, form.fields, form);
}

function decodeValue(value: JsonValue, rule: FieldRule | undefined, form: JsonForm): DocumentValue {
  if (typeof value === 'string') return rule === 'time' && isIsoTime(value) ? new Date(value) : value;
  if (value === null || typeof value === 'boolean') return value;
  if (value instanceof JsonNumber) return decodeNumber(value.text, rule, form);
  if (!isObject(value)) {
    const elementRule = ruleOfElement(rule);
    return value.map((element) => decodeValue(element, elementRule, form));
  }
  const type = wrapperType(value);
  return type === undefined ? decodeMap(value, rule, form) : decodeWrapper(type, value);
}

function decodeMap(object: JsonObject, rule: FieldRule | undefined, form: JsonForm): Document {
  const map = Object.create(null) as Document;
  for (const [written, value] of Object.entries(object)) {
    const name = written.startsWith('$') ? written.slice(1) : written;
    map[name] = decodeValue(value, ruleOfField(rule, name), form);
  }
  return map;
}

function decodeNumber(text: string, rule: FieldRule | undefined, form: JsonForm): DocumentValue {
  if (/[.eE]/u.test(text)) return new Double(Number(text));
  const value = toInt64(text);
  return rule === 'int64' || form.integers === 'int64' || !fitsInt32(value)
    ? value
    : new Int32(Number(value));
}

/** The name of a wrapper's field. A user's name that begins with `$` is written with `$$`. */
function wrapperType(object: JsonObject): string | undefined {
  const [name] = Object.keys(object);
  return name !== undefined && /^\$(?!\$)/u.test(name) ? name : undefined;
}

const decoders: Readonly<Record<string, (text: string) => DocumentValue>> = {
  $string: (text) => text,
  $numberInt: (text) => new Int32(Number(toInt64(text))),
  $numberLong: toInt64,
  $numberDouble: (text) => new Double(text === 'NaN' ? Number.NaN : toNumber(text)),
  $numberDecimal: (text) => Decimal128.fromString(text),
  $decimal128: (text) => new Decimal128(fromHex(text)),
  $oid: (text) => new ObjectId(text),
  $uuid: (text) => new Binary(fromHex(text.replaceAll('-', '')), Binary.SUBTYPE_UUID),
  $date: (text) => toDate(Date.parse(text)),
};

function decodeWrapper(type: string, object: JsonObject): DocumentValue {
  const value = object[type];
  if (Object.keys(object).length === 1 && value !== undefined) {
    const decode = Object.hasOwn(decoders, type) ? decoders[type] : undefined;
    if (decode !== undefined && typeof value === 'string') return decode(value);
    if (isObject(value)) {
      const { $numberLong, base64, subType } = value;
      if (type === '$date' && typeof $numberLong === 'string') return toDate(toNumber($numberLong));
      if (type === '$binary' && typeof base64 === 'string' && typeof subType === 'string') {
        return new Binary(Buffer.from(base64, 'base64'), Number.parseInt(subType, 16));
      }
    }
  }
  throw new SyntaxError(`malformed ${type}`);
}

function isObject(value: JsonValue): value is JsonObject {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber)
  );
}

function toInt64(text: string): bigint {
  const value = BigInt(text);
  if (BigInt.asIntN(64, value) !== value) throw new SyntaxError(`${text} is beyond 64 bits`);
  return value;
}

function toNumber(text: string): number {
  const value = Number(text);
  if (Number.isNaN(value)) throw new SyntaxError(`${text} is not a number`);
  return value;
}

function toDate(millis: number): Date {
  const date = new Date(millis);
  if (Number.isNaN(date.getTime())) throw new SyntaxError('an invalid date');
  return date;
}

function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}
