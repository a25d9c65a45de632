/**
 * A JSON parser that keeps the text of numbers: `JSON.parse` rounds integers and does not tell 1 from 1.0.
 *
 * @module
 */

/** A number, as text. */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type JsonValue = null | boolean | string | JsonNumber | readonly JsonValue[] | JsonObject;

/** Its prototype is null. */
export interface JsonObject {
  [name: string]: JsonValue;
}

/**
 * Parses one JSON text (RFC 8259). If an object repeats a name, the last value counts.
 *
 * @throws SyntaxError with the offset, in UTF-16 code units
 */
export function parseJson(text: string): JsonValue {
  return new Parser(text).parse();
}

const whitespace = new Set([0x20, 0x09, 0x0a, 0x0d]);
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/uy;
const literals = new Map<string, JsonValue>([
  ['null', null],
  ['true', true],
  ['false', false],
]);

class Parser {
  readonly #text: string;
  #offset = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): JsonValue {
    const value = this.#value();
    this.#skipWhitespace();
    if (this.#offset !== this.#text.length) this.#fail();
    return value;
  }

  #value(): JsonValue {
    this.#skipWhitespace();
    const first = this.#text[this.#offset];
    if (first === '{') return this.#object();
    if (first === '[') return this.#array();
    return first === '"' ? this.#string() : this.#literal();
  }

  #object(): JsonObject {
    const object = Object.create(null) as JsonObject;
    this.#offset += 1;
    if (this.#skip('}')) return object;
    do {
      this.#skipWhitespace();
      const name = this.#string();
      if (!this.#skip(':')) this.#fail();
      object[name] = this.#value();
    } while (this.#skip(','));
    if (!this.#skip('}')) this.#fail();
    return object;
  }

  #array(): JsonValue[] {
    const array: JsonValue[] = [];
    this.#offset += 1;
    if (this.#skip(']')) return array;
    do array.push(this.#value());
    while (this.#skip(','));
    if (!this.#skip(']')) this.#fail();
    return array;
  }

  #string(): string {
    const start = this.#offset;
    if (this.#text[start] !== '"') this.#fail();
    let end = start + 1;
    for (;;) {
      end = this.#text.indexOf('"', end);
      if (end === -1) this.#fail();
      let backslashes = 0;
      while (this.#text[end - 1 - backslashes] === '\\') backslashes += 1;
      end += 1;
      if (backslashes % 2 === 0) break;
    }
    this.#offset = end;
    const written = this.#text.slice(start, end);
    // Without a backslash, only unescaped control characters could be invalid; they are accepted.
    return written.includes('\\') ? (JSON.parse(written) as string) : written.slice(1, -1);
  }

  #literal(): JsonValue {
    number.lastIndex = this.#offset;
    const digits = number.exec(this.#text)?.[0];
    if (digits !== undefined) {
      this.#offset += digits.length;
      return new JsonNumber(digits);
    }
    for (const [word, value] of literals) {
      if (this.#text.startsWith(word, this.#offset)) {
        this.#offset += word.length;
        return value;
      }
    }
    return this.#fail();
  }

  #skip(character: string): boolean {
    this.#skipWhitespace();
    if (this.#text[this.#offset] !== character) return false;
    this.#offset += 1;
    return true;
  }

  #skipWhitespace(): void {
    while (whitespace.has(this.#text.charCodeAt(this.#offset))) this.#offset += 1;
  }

  #fail(): never {
    throw new SyntaxError(`unexpected ${this.#text[this.#offset] ?? 'end'} at ${this.#offset}`);
  }
}
