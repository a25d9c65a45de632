/** The documents of one run of the example, read with `realm-ingest export`. */
import { EJSON } from 'bson';
import { exportDocuments } from './processes.mjs';

/**
 * @param store - the value of `--store`
 * @param run - id of the run, because a given store may contain documents of other runs
 * @returns `{ spans, logs }`
 */
export async function readStored(store, run) {
  return { spans: await read('Span'), logs: await read('LogRecord') };

  async function read(collection) {
    const documents = [];
    for await (const line of exportDocuments(store, collection)) {
      const document = EJSON.parse(line, { useBigInt64: true });
      if (document.resource?.example?.run === run) documents.push(document);
    }
    return documents;
  }
}

/** Counts by service: `{ checkout: { spans, logs }, stock: … }`. */
export function countByService({ spans, logs }, services) {
  const count = (documents, name) =>
    documents.filter((document) => document.resource.service.name === name).length;
  return Object.fromEntries(
    services.map((name) => [name, { spans: count(spans, name), logs: count(logs, name) }]),
  );
}

/**
 * Picks a trace to show: it failed in every service and has the most log lines, if possible of the time between `from`
 * and `to`.
 */
export function pickFailingTrace({ spans, logs }, from, to) {
  const traces = Map.groupBy?.(spans, (span) => span.traceId) ?? groupBy(spans, (span) => span.traceId);
  const logsOf = (traceId) => logs.filter((log) => log.traceId === traceId);
  const score = ([traceId, members]) => {
    const failed = members.filter((span) => span.statusCode === 'ERROR').length;
    const away = members.every((span) => span.startTime >= from && span.startTime <= to);
    return failed * 10 + logsOf(traceId).length + (away ? 1000 : 0);
  };
  const failing = [...traces].filter(([, members]) => members.some((span) => span.statusCode === 'ERROR'));
  const best = failing.sort((a, b) => score(b) - score(a))[0];
  return best && { traceId: best[0], spans: best[1], logs: logsOf(best[0]) };
}

function groupBy(values, keyOf) {
  const groups = new Map();
  for (const value of values) groups.set(keyOf(value), [...(groups.get(keyOf(value)) ?? []), value]);
  return groups;
}
