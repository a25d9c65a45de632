import { isMap, type BsonWrapper, type Document, type DocumentValue } from '../document.js';
import { encodeWrapper, wrap } from '../wrapper-json.js';
import {
  fitsInt32,
  isIsoTime,
  ruleOfElement,
  ruleOfField,
  type FieldRule,
  type JsonForm,
} from './json-form.js';

/**
 * Encodes a document as JSON, from which `decodeDocument` restores it by BSON type and bits.
 *
 * @throws TypeError for a value that `measureDocument` refuses
 */
export function encodeDocument(document: Document, form: JsonForm): string {
  return encodeValue(document, form.fields, form);
}

function encodeValue(value: DocumentValue, rule: FieldRule | undefined, form: JsonForm): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return encodeInt64(value, rule, form);
  if (typeof value === 'string') {
    return rule === 'time' && isIsoTime(value) ? wrap('$string', value) : JSON.stringify(value);
  }
  if (value instanceof Date) return encodeDate(value, rule);
  if (Array.isArray(value)) {
    const elementRule = ruleOfElement(rule);
    return `[${value.map((element: DocumentValue) => encodeValue(element, elementRule, form)).join(',')}]`;
  }
  if (isMap(value)) return encodeMap(value, rule, form);
  const wrapper = value as BsonWrapper;
  if (wrapper._bsontype === 'Int32') {
    return rule === 'int64' || form.integers === 'int64'
      ? wrap('$numberInt', String(wrapper.value))
      : String(wrapper.value);
  }
  return encodeWrapper(wrapper);
}

function encodeMap(map: Document, rule: FieldRule | undefined, form: JsonForm): string {
  let text = '{';
  for (const name of Object.keys(map)) {
    if (text.length > 1) text += ',';
    const written = JSON.stringify(name.startsWith('$') ? `$${name}` : name);
    text += `${written}:${encodeValue(map[name] as DocumentValue, ruleOfField(rule, name), form)}`;
  }
  return `${text}}`;
}

function encodeInt64(value: bigint, rule: FieldRule | undefined, form: JsonForm): string {
  if (BigInt.asIntN(64, value) !== value) throw new TypeError('an integer beyond 64 bits');
  const literal = rule === 'int64' || form.integers === 'int64' || !fitsInt32(value);
  return literal ? String(value) : wrap('$numberLong', String(value));
}

function encodeDate(date: Date, rule: FieldRule | undefined): string {
  const millis = date.getTime();
  if (Number.isNaN(millis)) throw new TypeError('an invalid date');
  const text = date.toISOString();
  // Other years have a sign and six digits.
  const hasPlainYear = text.length === 24;
  if (rule === 'time' && hasPlainYear) return `"${text}"`;
  return millis >= 0 && hasPlainYear
    ? wrap('$date', text)
    : `{"$date":${wrap('$numberLong', String(millis))}}`;
}
