/**
 * The JavaScript blocks of `docs/mongodb.md`, and how to run them on a server that lacks one of their operators.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import type { Db, Document } from 'mongodb';

const page = readFileSync(new URL('../../docs/mongodb.md', import.meta.url), 'utf8');

/** An aggregation as mongosh is given it. */
export interface DocumentedQuery {
  readonly heading: string;
  readonly collection: string;
  readonly pipeline: readonly Document[];
  /** The row that the page shows behind it. */
  readonly sample: Document;
  /** Of those that not every server has, the ones that are used. */
  readonly operators: readonly string[];
}

export interface DocumentedIndex {
  readonly collection: string;
  readonly key: Document;
  readonly options: Document;
}

/** What one block of the page asks for, in their order. */
export function documentedBlocks(): { queries: DocumentedQuery[]; indexes: DocumentedIndex[] } {
  const queries: DocumentedQuery[] = [];
  const indexes: DocumentedIndex[] = [];
  for (const { 1: text = '', index } of page.matchAll(/^```js\n(.*?)^```/gms)) {
    const heading = [...page.slice(0, index).matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? '';
    evaluate(text, (collection) => ({
      aggregate: (pipeline: Document[]) =>
        queries.push({
          ...{ heading, collection, pipeline, sample: sampleOf(text) },
          operators: optionalOperators.filter((operator) => text.includes(operator)),
        }),
      createIndex: (key: Document, options: Document) => indexes.push({ collection, key, options }),
    }));
  }
  return { queries, indexes };
}

/** Runs a block as mongosh would, with scripted collections. */
function evaluate(text: string, collection: (name: string) => unknown): unknown {
  const db = new Proxy({}, { get: (_, name) => collection(String(name)) });
  return runInNewContext(text, { db, Date, ISODate: (at: string) => new Date(at) });
}

function sampleOf(text: string): Document {
  const comment = [...text.matchAll(/^\/\/ (.*)$/gm)].map(([, line]) => line).join('\n');
  return evaluate(`(${comment})`, () => undefined) as Document;
}

/** Operators that some servers lack: MongoDB has `$percentile` since 7.0, the server of `npm run mongodb` has neither. */
const optionalOperators = ['$percentile', '$unionWith', '$dateTrunc'] as const;

/** Which of the operators that queries use this server does not have. */
export async function missingOperators(db: Db): Promise<string[]> {
  const probes: Record<(typeof optionalOperators)[number], Document> = {
    $percentile: {
      $group: { _id: null, p: { $percentile: { input: '$n', p: [0.5], method: 'approximate' } } },
    },
    $unionWith: { $unionWith: { coll: 'probe' } },
    $dateTrunc: { $project: { hour: { $dateTrunc: { date: '$at', unit: 'hour' } } } },
  };
  const probe = db.collection('probe');
  await probe.insertOne({ n: 1, at: new Date() });
  const missing: string[] = [];
  for (const [operator, stage] of Object.entries(probes)) {
    await probe
      .aggregate([stage])
      .toArray()
      .catch(() => missing.push(operator));
  }
  await probe.drop();
  return missing;
}

/** Runs a query stage by stage, with equivalents in the place of the operators that not every server has. */
export async function runWithEquivalents(
  db: Db,
  { collection, pipeline }: DocumentedQuery,
): Promise<Document[]> {
  const place = pipeline.findIndex(
    (stage) => '$unionWith' in stage || JSON.stringify(stage).includes('$percentile'),
  );
  if (place < 0) return db.collection(collection).aggregate(pipeline.map(withoutDateTrunc)).toArray();
  const stage = pipeline[place] ?? {};
  const before = pipeline.slice(0, place);
  const rows =
    '$unionWith' in stage
      ? await runUnion(db, collection, before, stage.$unionWith as UnionWith)
      : await runPercentile(db, collection, before, stage.$group as Group);
  const scratch = db.collection('scratch');
  await scratch.insertMany(rows.map((row) => ({ row })));
  try {
    const rest = pipeline.slice(place + 1);
    return await scratch.aggregate([{ $replaceRoot: { newRoot: '$row' } }, ...rest]).toArray();
  } finally {
    await scratch.drop();
  }
}

interface UnionWith {
  readonly coll: string;
  readonly pipeline: Document[];
}

async function runUnion(
  db: Db,
  collection: string,
  before: readonly Document[],
  { coll, pipeline }: UnionWith,
): Promise<Document[]> {
  const first = await db
    .collection(collection)
    .aggregate([...before])
    .toArray();
  return [...first, ...(await db.collection(coll).aggregate(pipeline).toArray())];
}

/** The accumulators of a `$group`, by their fields. */
type Group = Record<string, { readonly $percentile?: { readonly input: string; readonly p: number[] } }>;

/** Percentiles of a `$group`, by nearest rank. */
async function runPercentile(
  db: Db,
  collection: string,
  before: readonly Document[],
  group: Group,
): Promise<Document[]> {
  const percentiles = Object.entries(group).flatMap(([field, { $percentile }]) =>
    $percentile === undefined ? [] : [{ field, ...$percentile }],
  );
  const pushes = Object.fromEntries(percentiles.map(({ field, input }) => [field, { $push: input }]));
  const rows = await db
    .collection(collection)
    .aggregate<Record<string, unknown>>([...before, { $group: { ...group, ...pushes } }])
    .toArray();
  for (const row of rows) {
    for (const { field, p } of percentiles) {
      const values = (row[field] as number[]).map(Number).sort((a, b) => a - b);
      row[field] = p.map((share) => values[Math.ceil(share * values.length) - 1]);
    }
  }
  return rows;
}

/** An hour's beginning by arithmetic. */
function withoutDateTrunc(stage: Document): Document {
  return JSON.stringify(stage).includes('$dateTrunc') ? (replace(stage) as Document) : stage;

  function replace(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(replace);
    if (typeof value !== 'object' || value === null || value instanceof Date) return value;
    if ('$dateTrunc' in value) {
      const { date } = value.$dateTrunc as { date: string };
      return { $subtract: [date, { $mod: [{ $toLong: date }, 3_600_000] }] };
    }
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, replace(part)]));
  }
}
