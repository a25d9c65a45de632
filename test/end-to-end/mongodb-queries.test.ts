import assert from 'node:assert/strict';
import { SpanKind } from '@opentelemetry/api';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { MongoClient, ObjectId, type Db } from 'mongodb';
import { connect, RealmLogRecordExporter, RealmSpanExporter, type Connection } from '../../src/index.js';
import Realm, { endSessions, engineName } from '../support/engine/realm.mjs';
import { createTestDatabase, describeMongodb, type TestDatabase } from '../support/mongodb/test-database.js';
import { skip } from '../support/skip.js';
import { documentedBlocks, missingOperators, runWithEquivalents } from '../support/documented-queries.js';
import { eventually } from '../support/eventually.js';
import { startIngest, type Ingest } from '../support/ingest.js';
import { dayMillis, hourMillis, minuteMillis, RecordedService } from '../support/recorded-telemetry.js';
import { createScratch, type Scratch } from '../support/scratch.js';

const appId = 'queries';

/** The trace that the page asks for. */
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';

const { queries, indexes } = documentedBlocks();

describe('docs/mongodb.md', () => {
  it('has six questions, one of them in two forms', () => {
    assert.equal(queries.length, 7);
    assert.equal(new Set(queries.map(({ heading }) => heading)).size, 6);
  });
});

describeMongodb(`docs/mongodb.md, asked of what realm-js (${engineName} engine) sent`, function () {
  this.timeout(120_000);
  let scratch: Scratch;
  let database: TestDatabase;
  let client: MongoClient;
  let db: Db;
  let server: Ingest;
  let connection: Connection;
  let checkout: RecordedService;
  let payments: RecordedService;
  let missing: readonly string[];

  before(async () => {
    scratch = await createScratch();
    database = await createTestDatabase();
    client = await MongoClient.connect(database.uri);
    db = client.db();
    missing = await missingOperators(db);
    server = await startIngest({ appId, store: database.uri });
    const credentials = Realm.Credentials.anonymous();
    connection = connect({ Realm, appId, baseUrl: server.url, credentials, directory: scratch.path });
    const spanExporter = new RealmSpanExporter({ connection });
    const logExporter = new RealmLogRecordExporter({ connection });
    const now = Date.now();
    checkout = new RecordedService('checkout', now, spanExporter, logExporter);
    payments = new RecordedService('payments', now, spanExporter, logExporter);
    recordRequests();
    recordTraces();
    recordExceptions();
    recordLogs();
    await Promise.all([checkout.flush(), payments.flush()]);
    assert.ok(await connection.flush(30_000), 'not everything was acknowledged');
  });

  after(async () => {
    await connection.close();
    endSessions();
    await server.close();
    await client.close();
    await database.remove();
    await scratch.remove();
  });

  it('has something to ask about', async () => {
    assert.equal(await db.collection('Span').countDocuments(), checkout.spans + payments.spans);
    assert.equal(
      await db.collection('LogRecord').countDocuments(),
      checkout.logs.length + payments.logs.length,
    );
  });

  /** What each question should get, under its heading. */
  const answers: Record<string, (rows: readonly Row[]) => void> = {
    'Slowest endpoints': (rows) => {
      assert.deepEqual(
        rows.map(({ service, method, route, requests }) => [service, method, route, requests]),
        [
          ['checkout', 'GET', '/report', 1],
          ['checkout', 'GET', '/orders/:id', 100],
          ['checkout', 'POST', '/cart', 20],
          ['payments', 'POST', '/pay', 40],
        ],
      );
      // 1 to 100 ms; 2 to 40 ms in steps of 2; always 5. A digest may be some off.
      for (const [place, millis] of [1200, 95, 38, 5].entries()) {
        const { p95Millis } = rows[place] as { p95Millis: number };
        assert.ok(Math.abs(p95Millis - millis) <= millis * 0.03, `${p95Millis} for ${millis}`);
      }
    },
    'Error rate by service': (rows) => {
      assert.deepEqual(rows, [
        { requests: 50, errors: 5, service: 'payments', errorRate: 0.1 },
        { requests: 122, errors: 6, service: 'checkout', errorRate: 6 / 122 },
      ]);
    },
    'One trace with its logs': (rows) => {
      const [root, query, call] = rows;
      assert.deepEqual(
        rows.map(({ service, name, millis, statusCode, logs }) => [
          service,
          name,
          millis,
          statusCode,
          (logs as Row[]).map(({ severityText, body }) => `${String(severityText)}: ${String(body)}`),
        ]),
        [
          ['checkout', 'GET /report', 1200, 'UNSET', ['INFO: report asked for', 'WARN: report is slow']],
          ['checkout', 'SELECT orders', 800, 'UNSET', []],
          ['payments', 'POST /pay', 5, 'ERROR', ['ERROR: card declined']],
        ],
      );
      assert.equal(root?.parentSpanId, undefined);
      assert.deepEqual([query?.parentSpanId, call?.parentSpanId], [root?.spanId, root?.spanId]);
      assert.deepEqual(root?.startTime, checkout.at(10 * minuteMillis));
    },
    'Traces with a slow database span': (rows) => {
      assert.deepEqual(
        rows.map((row) => ({ ...row, traceId: row.traceId === traceId })),
        [
          {
            traceId: true,
            name: 'GET /report',
            slowSpans: 1,
            service: 'checkout',
            system: 'postgresql',
            query: 'SELECT * FROM orders',
            millis: 800,
          },
          {
            traceId: false,
            name: 'GET /legacy',
            slowSpans: 2,
            service: 'checkout',
            system: 'mysql',
            query: 'SELECT 1',
            millis: 700,
          },
        ],
      );
    },
    'New exceptions since yesterday': (rows) => {
      assert.deepEqual(
        rows.map((row) => ({ ...row, traceId: Boolean(row.traceId) })),
        [
          {
            firstSeen: payments.at(3 * hourMillis - 7),
            count: 2,
            message: 'card declined: first',
            traceId: true,
            service: 'payments',
            type: 'CardDeclinedError',
          },
          {
            firstSeen: checkout.at(2 * hourMillis),
            count: 1,
            message: 'no space left on device',
            traceId: false,
            service: 'checkout',
            type: 'DiskFullError',
          },
        ],
      );
    },
    'Log volume by severity': (rows) => {
      assert.deepEqual(
        rows.map(({ hour, severity, records }) => [(hour as Date).toISOString(), severity, records]),
        volumes(),
      );
    },
  };

  for (const [place, query] of queries.entries()) {
    const { heading, collection, pipeline, sample, operators } = query;
    const form = queries.findIndex((other) => other.heading === heading) === place ? '' : ', the older form';

    it(`${heading}${form}: as it stands on the page`, async function () {
      const lacking = operators.filter((operator) => missing.includes(operator));
      if (lacking.length > 0) {
        skip(this, `this server has no ${lacking.join(', ')}`);
      }
      const rows = await db
        .collection(collection)
        .aggregate([...pipeline])
        .toArray();
      answers[heading]!(rows);
      assertShape(rows, sample);
    });

    if (operators.length > 0) {
      it(`${heading}: with an equivalent of ${operators.join(', ')}`, async () => {
        const rows = await runWithEquivalents(db, query);
        answers[heading]!(rows);
        assertShape(rows, sample);
      });
    }
  }

  it('reads what its indexes name, and nothing else', async function () {
    if (!(await explainsAsMongodb(db))) {
      skip(this, 'this server explains no plans, or other plans than MongoDB');
    }
    for (const collection of ['Span', 'LogRecord']) {
      const made = async () => (await db.collection(collection).indexes()).length >= 3;
      await eventually(`the indexes of ${collection}`, made);
    }
    for (const { heading, collection, pipeline, operators } of queries) {
      if (operators.some((operator) => missing.includes(operator))) continue;
      const plan = JSON.stringify(
        await db
          .collection(collection)
          .aggregate([...pipeline])
          .explain(),
      );
      assert.match(plan, /IXSCAN/, heading);
      assert.doesNotMatch(plan, /COLLSCAN/, heading);
    }
  });

  it('has indexes for exceptions that can be made, and change no answer', async () => {
    assert.equal(indexes.length, 2);
    for (const { collection, key, options } of indexes) {
      await db.collection(collection).createIndexes([{ ...options, key }]);
    }
    const heading = 'New exceptions since yesterday';
    const query = queries.find((other) => other.heading === heading)!;
    answers[heading]!(await runWithEquivalents(db, query));
  });

  function recordRequests(): void {
    const ago = 20 * minuteMillis;
    const request = (method: string, route: string) => ({
      name: `${method} ${route}`,
      ago,
      kind: SpanKind.SERVER,
      attributes: { 'http.request.method': method, 'http.route': route, 'url.path': route },
    });
    for (let i = 1; i <= 100; i += 1)
      checkout.span({ ...request('GET', '/orders/:id'), millis: i, failed: i <= 6 });
    for (let i = 1; i <= 20; i += 1) checkout.span({ ...request('POST', '/cart'), millis: 2 * i });
    for (let i = 1; i <= 39; i += 1) payments.span({ ...request('POST', '/pay'), millis: 5, failed: i <= 3 });
    for (let i = 1; i <= 10; i += 1)
      payments.span({ name: 'settle', ago, millis: 1, kind: SpanKind.CONSUMER, failed: i === 1 });
    // What must not count: before the hour, and inside a service.
    for (let i = 1; i <= 5; i += 1) {
      checkout.span({ ...request('GET', '/orders/:id'), ago: 2 * hourMillis, millis: 9000, failed: true });
      checkout.span({ name: 'price', ago, millis: 3, failed: true });
    }
  }

  function recordTraces(): void {
    const ago = 10 * minuteMillis;
    const attributes = { 'http.request.method': 'GET', 'http.route': '/report' };
    const root = checkout.span({
      ...{ name: 'GET /report', ago, millis: 1200, kind: SpanKind.SERVER, attributes, traceId },
    });
    checkout.log({ ago: ago - 1, body: 'report asked for', severityText: 'INFO', context: root });
    checkout.span({
      ...{ name: 'SELECT orders', ago: ago - 5, millis: 800, kind: SpanKind.CLIENT, parent: root },
      attributes: { 'db.system.name': 'postgresql', 'db.query.text': 'SELECT * FROM orders' },
    });
    const call = payments.span({
      ...{ name: 'POST /pay', ago: ago - 900, millis: 5, kind: SpanKind.SERVER, parent: root, failed: true },
      attributes: { 'http.method': 'POST', 'http.route': '/pay' }, // the older convention
    });
    const declined = { severity: SeverityNumber.ERROR, severityText: 'ERROR', body: 'card declined' };
    payments.log({ ...declined, ago: ago - 903, context: call });
    const slow = { severity: SeverityNumber.WARN, severityText: 'WARN', body: 'report is slow' };
    checkout.log({ ...slow, ago: ago - 1100, context: root });

    const legacy = checkout.span({ name: 'GET /legacy', ago: 5 * hourMillis, millis: 1500 });
    for (const millis of [600, 700, 20]) {
      checkout.span({
        ...{ name: 'SELECT', ago: 5 * hourMillis - 10, millis, kind: SpanKind.CLIENT, parent: legacy },
        attributes: { 'db.system': 'mysql', 'db.statement': 'SELECT 1' },
      });
    }
    checkout.span({ name: 'GET /other', ago, millis: 900, kind: SpanKind.SERVER });
  }

  function recordExceptions(): void {
    const old = new TypeError('x is undefined');
    checkout.span({ name: 'render', ago: 3 * dayMillis, millis: 1, exception: old });
    checkout.span({ name: 'render', ago: hourMillis, millis: 1, exception: old });
    for (const [ago, which] of [
      [3 * hourMillis, 'first'],
      [2 * hourMillis, 'second'],
    ] as const) {
      const exception = Object.assign(new Error(`card declined: ${which}`), { name: 'CardDeclinedError' });
      payments.span({ name: 'charge', ago, millis: 7, exception });
    }
    for (const [ago, type, message] of [
      [2 * hourMillis, 'DiskFullError', 'no space left on device'],
      [5 * dayMillis, 'TimeoutError', 'no answer'],
      [2 * hourMillis, 'TimeoutError', 'no answer'],
    ] as const) {
      const attributes = { 'exception.type': type, 'exception.message': message };
      checkout.log({ ago, body: message, severity: SeverityNumber.ERROR, attributes });
    }
  }

  function recordLogs(): void {
    const { TRACE, DEBUG, INFO2, WARN4, FATAL } = SeverityNumber;
    for (const ago of [15 * minuteMillis, 5 * hourMillis, 30 * hourMillis]) {
      for (const severity of [TRACE, DEBUG, DEBUG, INFO2, WARN4, FATAL])
        payments.log({ ago, body: 'tick', severity, severityText: 'as the logger calls it' });
    }
  }

  /** Rows of hour, severity and number of log records of the last day, in their order. */
  function volumes(): [string, string, number][] {
    const severities = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
    const counts = new Map<string, number>();
    for (const { time, severity } of [...checkout.logs, ...payments.logs]) {
      if (time < checkout.at(dayMillis)) continue;
      const bucket = `${time.toISOString().slice(0, 13)}:00:00.000Z ${Math.floor((severity - 1) / 4)}`;
      counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
    }
    return [...counts].sort().map(([bucket, count]) => {
      const [hour = '', level] = bucket.split(' ');
      return [hour, severities[Number(level)] ?? '', count];
    });
  }
});

type Row = Readonly<Record<string, unknown>>;

/** The first row has the fields of the sample on the page. */
function assertShape([row]: readonly Row[], sample: Row): void {
  assert.deepEqual(Object.keys(row ?? {}).sort(), Object.keys(sample).sort());
}

/** Whether the server's `explain` uses MongoDB's own name for an index scan. */
async function explainsAsMongodb(db: Db): Promise<boolean> {
  return db
    .collection('Span')
    .aggregate([{ $match: { _id: { $gt: new ObjectId() } } }], { hint: { _id: 1 } })
    .explain()
    .then(
      (plan) => JSON.stringify(plan).includes('IXSCAN'),
      () => false,
    );
}
