import assert from 'node:assert/strict';
import { SpanKind, SpanStatusCode, TraceFlags, type Attributes, type Tracer } from '@opentelemetry/api';
import { SeverityNumber, type Logger } from '@opentelemetry/api-logs';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { connect, RealmLogRecordExporter, RealmSpanExporter, type Connection } from '../../src/index.js';
import Realm, { engineName } from '../support/engine/realm.mjs';
import { describeStores } from '../support/describe-stores.js';
import { eventually } from '../support/eventually.js';
import { startIngest, type IngestSettings } from '../support/ingest.js';
import { useSite } from '../support/site.js';
import { storedCount, storedDeadLetters, storedDocuments } from '../support/stored.js';

const appId = 'telemetry';

describeStores(`exporters, realm-js (${engineName} engine) and realm-ingest`, (kind) => {
  const apps: App[] = [];

  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.shutDown()));
  });

  const site = useSite(kind, (store, settings: Partial<IngestSettings> = {}) =>
    startIngest({ appId, store, ...settings }),
  );

  it('keeps what was recorded before the first network, and delivers it', async () => {
    site.network.cut();
    const app = startApp();
    app.record(3);
    await app.forceFlush();
    assert.equal(app.connection.status.spooled, 6);
    assert.equal(await storedCount(site.store, 'Span'), 0);

    site.network.connectTo(site.server.url);
    await eventually(
      'delivery',
      async () => (await counts()).join(),
      (seen) => seen === '3,3',
    );
    await eventually(
      'status',
      () => app.connection.status,
      ({ spooled, unsynced }) => spooled + unsynced === 0,
    );
    assert.deepEqual(app.connection.status.dropped, {});
  });

  it('delivers what was recorded while the network was away', async () => {
    const app = startApp();
    app.record(1);
    await app.delivered();
    site.network.cut();
    app.record(5);
    await app.forceFlush(); // returns although nothing can be uploaded
    assert.equal(await storedCount(site.store, 'Span'), 1);
    site.network.connectTo(site.server.url);
    await app.delivered();
    assert.deepEqual(await counts(), [6, 6]);
  });

  it('delivers once what the server had committed but not acknowledged when it went away', async () => {
    const app = startApp();
    app.record(1);
    await app.delivered();
    site.network.silenceServer();
    app.record(2);
    await app.forceFlush();
    await eventually(
      'the commit',
      () => storedCount(site.store, 'Span'),
      (n) => n === 3,
    );
    site.network.cut();
    await site.restart();
    app.record(1);
    await app.delivered();
    assert.deepEqual(await counts(), [4, 4]);
    assert.deepEqual(await storedDeadLetters(site.store), []);
  });

  it('delivers through access tokens that expire every second', async () => {
    await site.restart({ accessTokenSeconds: 1 });
    const app = startApp();
    for (let n = 0; n < 3; n++) {
      app.record(1);
      await app.delivered();
      await new Promise((resolve) => setTimeout(resolve, 1100)); // until the token has expired
      site.network.drop();
    }
    assert.deepEqual(await counts(), [3, 3]);
  });

  it('serves two services of one process', async () => {
    const both = [startApp('one'), startApp('two')];
    for (const app of both) app.record(4);
    for (const app of both) await app.delivered();
    assert.deepEqual(await counts(), [8, 8]);
  });

  it('reports refused credentials, and keeps the records', async () => {
    await site.restart({ allowAnonymous: false });
    const app = startApp();
    app.record(2);
    await app.forceFlush();
    await eventually(
      'refusal',
      () => app.connection.status.state,
      (state) => state === 'unauthorized',
    );
    assert.equal(app.connection.status.lastError?.code, 'login-refused');
    assert.equal(app.connection.status.spooled, 4);
  });

  it('delivers at shutdown what the batch processors still hold', async () => {
    const app = startApp();
    app.record(7);
    await eventually(
      'a session',
      () => app.connection.status.state,
      (state) => state === 'connected',
    );
    await app.shutDown();
    assert.deepEqual(await counts(), [7, 7]);
  });

  it('stores every field of a span as it was recorded', async () => {
    const app = startApp();
    const attributes: Attributes = {
      'http.request.method': 'GET',
      'http.request.header.x': ['a', 'b'],
      http: 'a name that is the beginning of others',
      'odd $name%.': -0,
      'a.whole.number': 2 ** 53 - 1,
      'not.a.number': Number.NaN,
      'no.end': -Infinity,
      flag: false,
      empty: '',
      half: 0.5,
    };
    const link = { traceId: '11'.repeat(16), spanId: '22'.repeat(8), traceFlags: TraceFlags.NONE };
    const span = app.tracer.startSpan('GET /orders/:id', {
      kind: SpanKind.SERVER,
      startTime: [1_700_000_000, 123_456_789],
      attributes,
      links: [{ context: link, attributes: { reason: 'retry' } }],
    });
    span.addEvent('cache miss', { tries: 3 }, [1_700_000_000, 123_456_999]);
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'no such order' });
    span.end([1_700_000_001, 987_654_321]);
    await app.delivered();

    const [stored] = await storedDocuments(site.store, 'Span');
    const { traceId, spanId } = span.spanContext();
    assert.deepEqual(
      { ...stored, _id: undefined },
      {
        _id: undefined,
        traceId,
        spanId,
        flags: { $numberInt: '257' },
        name: 'GET /orders/:id',
        kind: 'SERVER',
        startTime: { $date: { $numberLong: '1700000000123' } },
        startTimeUnixNano: { $numberLong: '1700000000123456789' },
        endTime: { $date: { $numberLong: '1700000001987' } },
        endTimeUnixNano: { $numberLong: '1700000001987654321' },
        durationNano: { $numberLong: '1864197532' },
        statusCode: 'ERROR',
        statusMessage: 'no such order',
        attributes: {
          http: {
            _value: 'a name that is the beginning of others',
            request: { method: 'GET', header: { x: ['a', 'b'] } },
          },
          'odd $name%25': { '%': { $numberInt: '0' } },
          a: { whole: { number: { $numberLong: '9007199254740991' } } },
          not: { a: { number: { $numberDouble: 'NaN' } } },
          no: { end: { $numberDouble: '-Infinity' } },
          flag: false,
          empty: '',
          half: { $numberDouble: '0.5' },
        },
        events: [
          {
            name: 'cache miss',
            time: { $date: { $numberLong: '1700000000123' } },
            timeUnixNano: { $numberLong: '1700000000123456999' },
            attributes: { tries: { $numberInt: '3' } },
          },
        ],
        links: [
          {
            traceId: link.traceId,
            spanId: link.spanId,
            flags: { $numberInt: '256' },
            attributes: { reason: 'retry' },
          },
        ],
        resource: { service: { name: 'app' } },
        scope: { name: 'end-to-end', version: '1.2.3' },
      },
    );
  });

  it('stores a log record with a body of any shape', async () => {
    const app = startApp();
    app.logger.emit({
      timestamp: [1_700_000_000, 1],
      observedTimestamp: [1_700_000_000, 2],
      severityNumber: SeverityNumber.WARN,
      severityText: 'WARN',
      eventName: 'order.declined',
      body: { order: { id: 7, 'a.b': [1, null, { $date: 'not a date' }] }, bytes: Uint8Array.of(1, 2) },
      attributes: { nested: { list: [1, 'two', [true]] }, empty: [], nothing: null },
    });
    await app.delivered();

    const [stored] = await storedDocuments(site.store, 'LogRecord');
    assert.deepEqual(
      { ...stored, _id: undefined },
      {
        _id: undefined,
        time: { $date: { $numberLong: '1700000000000' } },
        timeUnixNano: { $numberLong: '1700000000000000001' },
        observedTime: { $date: { $numberLong: '1700000000000' } },
        observedTimeUnixNano: { $numberLong: '1700000000000000002' },
        severityNumber: { $numberInt: '13' },
        severityText: 'WARN',
        eventName: 'order.declined',
        body: {
          order: {
            id: { $numberInt: '7' },
            a: { b: [{ $numberInt: '1' }, null, { '%24date': 'not a date' }] },
          },
          bytes: { $binary: { base64: 'AQI=', subType: '00' } },
        },
        attributes: { nested: { list: [{ $numberInt: '1' }, 'two', [true]] }, empty: [], nothing: null },
        resource: { service: { name: 'app' } },
        scope: { name: 'end-to-end', version: '1.2.3' },
      },
    );
  });

  function startApp(serviceName = 'app'): App {
    const app = createApp(site.network.url, site.scratch.path, serviceName);
    apps.push(app);
    return app;
  }

  /** Spans and log records in the store. */
  async function counts(): Promise<number[]> {
    return [await storedCount(site.store, 'Span'), await storedCount(site.store, 'LogRecord')];
  }
});

/** An app that records with the SDK's own batch processors. */
interface App {
  readonly connection: Connection;
  readonly tracer: Tracer;
  readonly logger: Logger;
  /** Records `count` spans and log records. */
  record(count: number): void;
  forceFlush(): Promise<void>;
  /** Resolves when the server has acknowledged all that was recorded. */
  delivered(): Promise<void>;
  /** May be called twice. */
  shutDown(): Promise<void>;
}

function createApp(baseUrl: string, directory: string, serviceName: string): App {
  const connection = connect({
    Realm,
    appId,
    baseUrl,
    credentials: Realm.Credentials.anonymous(false),
    serviceName,
    directory,
  });
  const resource = resourceFromAttributes({ 'service.name': serviceName });
  const traces = new BasicTracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor(new RealmSpanExporter({ connection }))],
  });
  const logs = new LoggerProvider({
    resource,
    processors: [new BatchLogRecordProcessor({ exporter: new RealmLogRecordExporter({ connection }) })],
  });
  const tracer = traces.getTracer('end-to-end', '1.2.3');
  const logger = logs.getLogger('end-to-end', '1.2.3');
  const forceFlush = async (): Promise<void> => {
    await Promise.all([traces.forceFlush(), logs.forceFlush()]);
  };
  let ending: Promise<unknown> | undefined;
  return {
    connection,
    tracer,
    logger,
    record(count) {
      for (let n = 0; n < count; n++) {
        tracer.startSpan(`span ${n}`).end();
        logger.emit({ body: `log ${n}` });
      }
    },
    forceFlush,
    async delivered() {
      await forceFlush();
      assert.equal(await connection.flush(30_000), true, JSON.stringify(connection.status));
    },
    async shutDown() {
      await (ending ??= Promise.all([traces.shutdown(), logs.shutdown()]));
    },
  };
}
