/**
 * Programs of users, for each line of OpenTelemetry's SDK. They differ in how processors are built.
 *
 * @module
 */

/** Major versions of Node that the packages run on. */
export type NodeMajor = 20 | 22 | 24;

/** One set of packages that an app may have installed beside ours. */
export interface SdkLine {
  readonly name: string;
  readonly packages: readonly string[];
  /** The major versions of Node that this SDK runs on. */
  readonly nodes: readonly NodeMajor[];
  readonly tracePackage: string;
  /** Statements that make `tracerProvider` and `loggerProvider` of `spanExporter` and `logExporter`. */
  readonly setUp: string;
  readonly traceNames: readonly string[];
  readonly logNames: readonly string[];
  /** The package that exports `SeverityNumber`. */
  readonly logApi: string;
}

export const sdkLines: readonly SdkLine[] = [
  {
    name: 'sdk-2.0.0',
    packages: [
      '@opentelemetry/api@1.9.0',
      '@opentelemetry/sdk-trace-base@2.0.0',
      '@opentelemetry/sdk-logs@0.200.0',
    ],
    nodes: [20, 22, 24],
    tracePackage: '@opentelemetry/sdk-trace-base',
    traceNames: ['BasicTracerProvider', 'BatchSpanProcessor'],
    logNames: ['LoggerProvider', 'BatchLogRecordProcessor'],
    logApi: '@opentelemetry/api-logs',
    setUp: `
      const tracerProvider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(spanExporter)] });
      const loggerProvider = new LoggerProvider();
      loggerProvider.addLogRecordProcessor(new BatchLogRecordProcessor(logExporter));`,
  },
  {
    name: 'sdk-2.12.1',
    packages: [
      '@opentelemetry/api@1.9.1',
      '@opentelemetry/sdk-trace-base@2.12.1',
      '@opentelemetry/sdk-logs@0.223.1',
    ],
    nodes: [20, 22, 24],
    tracePackage: '@opentelemetry/sdk-trace-base',
    traceNames: ['BasicTracerProvider', 'BatchSpanProcessor'],
    logNames: ['LoggerProvider', 'BatchLogRecordProcessor'],
    logApi: '@opentelemetry/api-logs',
    setUp: `
      const tracerProvider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(spanExporter)] });
      const loggerProvider = new LoggerProvider({
        processors: [new BatchLogRecordProcessor({ exporter: logExporter })],
      });`,
  },
  {
    name: 'sdk-3.1.1',
    packages: [
      '@opentelemetry/api@1.10.0',
      '@opentelemetry/sdk-trace@3.1.1',
      '@opentelemetry/sdk-logs@3.1.1',
    ],
    nodes: [22, 24],
    tracePackage: '@opentelemetry/sdk-trace',
    traceNames: ['TracerProvider', 'BatchSpanProcessor'],
    logNames: ['LoggerProvider', 'BatchLogRecordProcessor'],
    logApi: '@opentelemetry/api',
    setUp: `
      const tracerProvider = new TracerProvider({
        spanProcessors: [new BatchSpanProcessor({ exporter: spanExporter })],
      });
      const loggerProvider = new LoggerProvider({
        processors: [new BatchLogRecordProcessor({ exporter: logExporter })],
      });`,
  },
];

/**
 * A module that compiles only if our exporters are the SDK's exporters, and the SDK's records ours. It holds for ESM as
 * `.mts` and for CommonJS as `.cts`.
 */
export function typedConsumer(line: SdkLine): string {
  return `
    import { metrics } from '@opentelemetry/api';
    import { ${line.traceNames.join(', ')}, type ReadableSpan, type SpanExporter } from '${line.tracePackage}';
    import { ${line.logNames.join(', ')}, type LogRecordExporter, type ReadableLogRecord } from '@opentelemetry/sdk-logs';
    import {
      connect, RealmLogRecordExporter, RealmSpanExporter, RealmTelemetryError, schemasFor,
      type Connection, type ConnectOptions, type ConnectionStatus, type ExportResult,
      type ReadableLogRecordLike, type ReadableSpanLike, type RealmExporterOptions,
    } from 'opentelemetry-exporter-realm';

    declare const options: ConnectOptions;
    const connection: Connection = connect(options);
    const status: ConnectionStatus = connection.status;

    export const spanExporter: SpanExporter = new RealmSpanExporter({ connection });
    export const logExporter: LogRecordExporter = new RealmLogRecordExporter({ connection, layout: 'documents' });
    new RealmSpanExporter({ connection, selfObsMeterProvider: metrics.getMeterProvider() });
    ${line.setUp}

    export const asSpan = (span: ReadableSpan): ReadableSpanLike => span;
    export const asLogRecord = (logRecord: ReadableLogRecord): ReadableLogRecordLike => logRecord;
    export const ended = (result: ExportResult): boolean => result.code === 0 && result.error === undefined;
    export const realmOptions = (realm: Extract<RealmExporterOptions, { connection?: undefined }>['realm']) =>
      new RealmSpanExporter({ realm, classPrefix: 'Acme' });
    export const all = [tracerProvider, loggerProvider, status, RealmTelemetryError, schemasFor];

    // @ts-expect-error nothing to write to
    new RealmSpanExporter({});
    // @ts-expect-error no such layout
    new RealmSpanExporter({ connection, layout: 'rows' });
  `;
}

/**
 * A program that ends a span and emits a log record while no server can be reached, and prints what became of them.
 *
 * It gets the URL of the Realm engine and a directory in its environment.
 */
export function runningConsumer(line: SdkLine, module: 'esm' | 'commonjs'): string {
  const load = (names: readonly string[], from: string): string =>
    module === 'esm'
      ? `import { ${names.join(', ')} } from '${from}';`
      : `const { ${names.join(', ')} } = require('${from}');`;
  return `
    ${load(line.traceNames, line.tracePackage)}
    ${load(line.logNames, '@opentelemetry/sdk-logs')}
    ${load(['SeverityNumber'], line.logApi)}
    ${load(['connect', 'RealmLogRecordExporter', 'RealmSpanExporter'], 'opentelemetry-exporter-realm')}

    async function main() {
      const { default: Realm } = await import(process.env.REALM_ENGINE);
      const connection = connect({
        Realm,
        appId: 'app',
        baseUrl: 'http://127.0.0.1:9',
        credentials: Realm.Credentials.anonymous(),
        serviceName: 'consumer',
        directory: process.env.DIRECTORY,
      });
      const spanExporter = new RealmSpanExporter({ connection });
      const logExporter = new RealmLogRecordExporter({ connection });
      ${line.setUp}

      tracerProvider.getTracer('consumer').startSpan('a span').end();
      loggerProvider.getLogger('consumer').emit({ severityNumber: SeverityNumber.INFO, body: { of: ['a', 'log'] } });
      await Promise.all([tracerProvider.forceFlush(), loggerProvider.forceFlush()]);
      const { spooled, dropped } = connection.status;
      await Promise.all([tracerProvider.shutdown(), loggerProvider.shutdown()]);
      process.stdout.write(JSON.stringify({ spooled, dropped, state: connection.status.state }));
      // The WebAssembly engine keeps its process alive.
      process.exit(0);
    }

    main().catch((error) => {
      console.error(error);
      process.exit(1);
    });
  `;
}

/** Programs that import realm-ingest. */
export const serverConsumers = {
  'server.mts': `
    import { createIngestServer } from 'realm-ingest';
    export type Server = ReturnType<typeof createIngestServer>;`,
  'server.cts': `
    import { createIngestServer } from 'realm-ingest';
    export type Server = ReturnType<typeof createIngestServer>;`,
  'server.mjs': `
    import { createIngestServer } from 'realm-ingest';
    process.stdout.write(typeof createIngestServer);`,
  'server.cjs': `
    const { createIngestServer } = require('realm-ingest');
    process.stdout.write(typeof createIngestServer);`,
};

/** Programs that print the modules that the subpath `wire` loads. */
export const wireConsumers = {
  'wire.mjs': `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    const { encodeRealmKey } = await import('opentelemetry-exporter-realm/wire');
    process.stdout.write(JSON.stringify({ key: encodeRealmKey('a.b'), loaded }));`,
  'wire.cjs': `
    const { encodeRealmKey } = require('opentelemetry-exporter-realm/wire');
    process.stdout.write(JSON.stringify({ key: encodeRealmKey('a.b'), loaded: Object.keys(require.cache) }));`,
};
