/**
 * Values with their expected documents. Both are made together, so that the expectation does not repeat the rules of the
 * code under test.
 *
 * @module
 */
import type { Random } from '../random.js';

/** A value as it is recorded, and as canonical Extended JSON in the store. */
export interface Pair<T = unknown> {
  readonly given: T;
  readonly stored: unknown;
}

const int32 = (value: number): Pair<number> => ({ given: value, stored: { $numberInt: String(value) } });
const int64 = (value: number): Pair<number> => ({ given: value, stored: { $numberLong: String(value) } });
const double = (value: number, text: string): Pair<number> => ({
  given: value,
  stored: { $numberDouble: text },
});
const bigint = (value: bigint): Pair<bigint> => ({
  given: value,
  stored: { $numberLong: String(value) },
});
const same = <T>(value: T): Pair<T> => ({ given: value, stored: value });

const numbers: readonly Pair<number>[] = [
  ...[0, 1, -1, 200, 404, 2 ** 31 - 1, -(2 ** 31)].map(int32),
  ...[2 ** 31, -(2 ** 31) - 1, 2 ** 53 - 1, -(2 ** 53) + 1].map(int64),
  double(0.5, '0.5'),
  double(-1.25, '-1.25'),
  double(1e300, '1e+300'),
  double(5e-324, '5e-324'),
  double(Number.NaN, 'NaN'),
  double(Number.POSITIVE_INFINITY, 'Infinity'),
  double(Number.NEGATIVE_INFINITY, '-Infinity'),
  { given: -0, stored: { $numberInt: '0' } },
];

const bigints = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, -(2n ** 53n) - 1n].map(bigint);

const texts: readonly Pair<string>[] = [
  '',
  'GET',
  '/orders/:id?a=b&c=d',
  'naïve ☃ 🚀 é 漢字',
  'with "quotes", \\, \u0000 and \n',
  '$date',
  'a.b.c',
  ' '.repeat(40),
].map(same);

/** What a span's attribute may hold: a scalar, or an array of scalars of one type. */
export function attributeValue(random: Random): Pair {
  return random.weighted<() => Pair>([
    [4, () => random.pick(texts)],
    [4, () => random.pick(numbers)],
    [1, () => same(random.chance(0.5))],
    [1, () => list(random, () => random.pick(texts))],
    [1, () => list(random, () => random.pick(numbers))],
    [1, () => list(random, () => same(random.chance(0.5)))],
  ])();
}

/** What the body of a log record may hold: anything, nested, and 64-bit integers. */
export function bodyValue(random: Random): Pair {
  return random.chance(0.2) ? random.pick(bigints) : anyValue(random);
}

/** Attributes of a log record: any nested value except BigInt, which the SDK drops. */
export function anyValue(random: Random, depth = 0): Pair {
  const leaf: (readonly [number, () => Pair])[] = [
    [6, () => attributeValue(random)],
    [1, () => bytes(random.bytes(random.integer(0, 40)))],
    [1, () => same(null)],
  ];
  if (depth >= 3) return random.weighted(leaf)();
  return random.weighted([
    ...leaf,
    [1, () => list(random, () => anyValue(random, depth + 1))],
    [1, () => map(random, depth)],
  ])();
}

/** Attribute names with the path at which each is found; no path is the beginning of another. */
const names: readonly (readonly [name: string, path: readonly string[]])[] = [
  ['http.request.method', ['http', 'request', 'method']],
  ['http.response.status_code', ['http', 'response', 'status_code']],
  ['db.rows', ['db', 'rows']],
  ['plain', ['plain']],
  ['$money', ['%24money']],
  ['100%', ['100%25']],
  ['odd $name', ['odd $name']],
  ['漢字.é', ['漢字', 'é']],
  ['ends.', ['ends', '%']],
];

/** A few attributes under names that want care. */
export function attributes(
  random: Random,
  value: (random: Random) => Pair,
): Pair<Record<string, unknown>> & { readonly stored: Record<string, unknown> } {
  const given: Record<string, unknown> = {};
  const stored: Record<string, unknown> = {};
  for (const [name, path] of names) {
    if (!random.chance(0.35)) continue;
    const pair = value(random);
    given[name] = pair.given;
    put(stored, path, pair.stored);
  }
  return { given, stored };
}

export function bytes(given: Uint8Array): Pair<Uint8Array> {
  return {
    given,
    stored: { $binary: { base64: Buffer.from(given).toString('base64'), subType: '00' } },
  };
}

function list(random: Random, item: () => Pair): Pair {
  const items = Array.from({ length: random.integer(0, 4) }, item);
  return { given: items.map(({ given }) => given), stored: items.map(({ stored }) => stored) };
}

function map(random: Random, depth: number): Pair {
  const entries = ['a', 'b c', 'd'].slice(0, random.integer(0, 3)).map((key) => {
    return [key, anyValue(random, depth + 1)] as const;
  });
  return {
    given: Object.fromEntries(entries.map(([key, { given }]) => [key, given])),
    stored: Object.fromEntries(entries.map(([key, { stored }]) => [key, stored])),
  };
}

function put(fields: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let level = fields;
  for (const segment of path.slice(0, -1)) {
    level = (level[segment] ??= {}) as Record<string, unknown>;
  }
  level[path[path.length - 1]!] = value;
}
