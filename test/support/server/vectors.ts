/**
 * The files of `realm-ingest/test/vectors`, and the JSON notation of their values. A file's name says what it holds:
 * `<whatever>.<kind>.json`; more files and more entries may be dropped in.
 *
 * JSON has no form for some values; they are written as
 * `{"$bigint": "-300"}`, `{"$bytes": "00ff"}` (hex), `{"$map": [[key, value], …]}` and `{"$number": "NaN"}` (also
 * `"-0"`, `"Infinity"`, `"-Infinity"`). Undefined values are left out.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';

const folder = new URL('../../../realm-ingest/test/vectors/', import.meta.url);

export type VectorKind = 'integers' | 'payloads' | 'changesets' | 'client-messages' | 'server-messages';

/** One entry of a file. It has either `expected` or `error`. */
export interface Vector {
  readonly description: string;
  /** Origin of the bytes. */
  readonly source: string;
  /** Protocol version; of messages only. */
  readonly version?: number;
  readonly hex: string;
  /** In the notation above. */
  readonly expected?: unknown;
  readonly error?: { readonly code: string; readonly offset?: number; readonly wireCode?: number };
}

/** Every vector of a kind, by file. */
export function loadVectors(kind: VectorKind): { file: string; vectors: readonly Vector[] }[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(`.${kind}.json`))
    .map((file) => ({ file, vectors: JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Vector[] }));
}

export const bytesOfHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));

/** A value in the notation of the vectors. */
export function toNotation(value: unknown): unknown {
  if (typeof value === 'bigint') return { $bigint: String(value) };
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
    return { $number: Object.is(value, -0) ? '-0' : String(value) };
  }
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('hex') };
  if (value instanceof Map)
    return { $map: [...value].map(([key, item]) => [key as unknown, toNotation(item)]) };
  if (Array.isArray(value)) return value.map(toNotation);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, toNotation(item)]));
}

/** The value that stands in the notation of the vectors. */
export function fromNotation(notation: unknown): unknown {
  if (Array.isArray(notation)) return notation.map(fromNotation);
  if (typeof notation !== 'object' || notation === null) return notation;
  const entries = Object.entries(notation);
  const [only] = entries;
  if (only && entries.length === 1) {
    const [tag, content] = only as [string, string];
    if (tag === '$bigint') return BigInt(content);
    if (tag === '$number') return Number(content);
    if (tag === '$bytes') return bytesOfHex(content);
    if (tag === '$map') return new Map(fromNotation(content) as [unknown, unknown][]);
  }
  return Object.fromEntries(entries.map(([key, item]) => [key, fromNotation(item)]));
}
