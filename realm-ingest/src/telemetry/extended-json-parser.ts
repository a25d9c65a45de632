/**
 * Parses the text in which our exporters send arrays and maps (`model/extended-json`), and no other text:
 *
 * ```
 * collection = array | map
 * array      = "[" [value *("," value)] "]"
 * map        = "{" [key ":" value *("," key ":" value)] "}"       keys encoded as Realm keys, each once
 * value      = "null" | "true" | "false" | string | number | binary | collection
 * number     = {"$numberInt":"…"} | {"$numberLong":"…"} | {"$numberDouble":"…"}     exactly as the writer writes it
 * binary     = {"$binary":{"base64":"…","subType":"00"}}
 * ```
 *
 * General Extended JSON is not accepted: from hostile or foreign writers, its dates, keys and numbers would lose
 * information.
 *
 * @module
 */
import { Binary, Double, Int32 } from 'bson';
import {
  bigintToExtendedJson,
  decodeRealmKey,
  encodeRealmKey,
  maxCollectionLevels,
  numberToExtendedJson,
} from 'opentelemetry-exporter-realm/wire';
import type { DocumentValue } from '../store/document.js';
import { nestNames } from './field-names.js';

/** The entries of an attribute map; undefined if our exporters never write this text. */
export function parseAttributesJson(text: string): Map<string, DocumentValue> | undefined {
  const entries = attempt(text, (parser) => parser.entries(0));
  return entries?.size === 0 ? undefined : entries;
}

/** The array or map of a body; undefined if our exporters never write this text. */
export function parseBodyJson(text: string): DocumentValue | undefined {
  return attempt(text, (parser) => parser.collection(1));
}

class NotOursError extends Error {}

function attempt<T>(text: string, parse: (parser: Parser) => T): T | undefined {
  const parser = new Parser(text);
  try {
    const value = parse(parser);
    parser.end();
    return value;
  } catch (error) {
    if (error instanceof NotOursError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const numberInt = /\{"\$numberInt":"(-?\d{1,10})"\}/y;
const numberLong = /\{"\$numberLong":"(-?\d{1,19})"\}/y;
const numberDouble = /\{"\$numberDouble":"([-+.\w]{1,32})"\}/y;
const literal = /null|true|false/y;
const binaryStart = '{"$binary":{"base64":"';
const binaryEnd = '","subType":"00"}}';
const loneSurrogate = /[\uD800-\uDFFF]/u;

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** A map's entries by their decoded names. @param level - of the map, 0 for attributes */
  entries(level: number): Map<string, DocumentValue> {
    const entries = new Map<string, DocumentValue>();
    this.#expect('{');
    if (this.#take('}')) return entries;
    do {
      const key = this.#string();
      const name = decodeRealmKey(key);
      if (encodeRealmKey(name) !== key || entries.has(name)) throw new NotOursError();
      this.#expect(':');
      entries.set(name, this.#value(level + 1));
    } while (this.#take(','));
    this.#expect('}');
    return entries;
  }

  /** @param level - of the collection, 1 for the outermost */
  collection(level: number): DocumentValue {
    if (level > maxCollectionLevels) throw new NotOursError();
    return this.#text[this.#at] === '[' ? this.#array(level) : nestNames(this.entries(level));
  }

  end(): void {
    if (this.#at !== this.#text.length) throw new NotOursError();
  }

  #array(level: number): DocumentValue {
    const elements: DocumentValue[] = [];
    this.#expect('[');
    if (this.#take(']')) return elements;
    do elements.push(this.#value(level + 1));
    while (this.#take(','));
    this.#expect(']');
    return elements;
  }

  #value(level: number): DocumentValue {
    const first = this.#text[this.#at];
    if (first === '"') return this.#string();
    if (first === '[') return this.collection(level);
    if (first === '{') {
      return this.#text.startsWith('"$', this.#at + 1) ? this.#wrapped() : this.collection(level);
    }
    const token = this.#match(literal)?.[0];
    if (token === undefined) throw new NotOursError();
    return token === 'null' ? null : token === 'true';
  }

  #wrapped(): DocumentValue {
    const int = this.#match(numberInt);
    if (int !== undefined) {
      const value = Number(int[1]);
      return same(int[0], numberToExtendedJson(value), new Int32(value));
    }
    const long = this.#match(numberLong);
    if (long !== undefined) {
      const value = BigInt(long[1] ?? '');
      if (BigInt.asIntN(64, value) !== value) throw new NotOursError();
      return same(long[0], bigintToExtendedJson(value), value);
    }
    const double = this.#match(numberDouble);
    if (double !== undefined) {
      const value = Number(double[1]);
      return same(double[0], numberToExtendedJson(value), new Double(value));
    }
    return this.#binary();
  }

  #binary(): DocumentValue {
    this.#expect(binaryStart);
    const end = this.#text.indexOf('"', this.#at);
    if (end === -1) throw new NotOursError();
    const base64 = this.#text.slice(this.#at, end);
    this.#at = end;
    this.#expect(binaryEnd);
    const bytes = Buffer.from(base64, 'base64');
    return same(base64, bytes.toString('base64'), new Binary(new Uint8Array(bytes)));
  }

  /** A JSON string without lone surrogates. */
  #string(): string {
    const start = this.#at;
    this.#expect('"');
    for (;;) {
      const quote = this.#text.indexOf('"', this.#at);
      if (quote === -1) throw new NotOursError();
      let backslash = quote;
      while (this.#text[backslash - 1] === '\\') backslash--;
      this.#at = quote + 1;
      if ((quote - backslash) % 2 === 0) break;
    }
    const text = JSON.parse(this.#text.slice(start, this.#at)) as string;
    if (loneSurrogate.test(text)) throw new NotOursError();
    return text;
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at += match[0].length;
    return match;
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #expect(token: string): void {
    if (!this.#take(token)) throw new NotOursError();
  }
}

/** The value, if its text is exactly what the writer writes. */
function same(text: string, canonical: string, value: DocumentValue): DocumentValue {
  if (text !== canonical) throw new NotOursError();
  return value;
}
