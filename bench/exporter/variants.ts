/**
 * The exporters that are compared. Each is made from what an app installs: the built package, and the OTLP exporters of
 * the SDK line in package.json.
 *
 * @module
 */
import { OTLPLogExporter as OtlpJsonLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as OtlpProtobufLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPTraceExporter as OtlpJsonTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as OtlpProtobufTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import type * as exporters from '../../src/index.js';
import Realm from '../../test/support/engine/realm.mjs';

const { connect, RealmLogRecordExporter, RealmSpanExporter } = (await import(
  new URL('../../dist/esm/index.js', import.meta.url).href
)) as typeof exporters;

/** The kind of records that is exported. */
export type Signal = 'spans' | 'log records';

/** An exporter of any kind, and a wait for its server. */
export interface Subject {
  export(items: readonly unknown[], callback: (result: { code: number; error?: Error }) => void): void;
  /** Waits until the server has everything. */
  delivered(): Promise<void>;
  close(): Promise<void>;
}

export const variantNames = [
  'OTLP JSON',
  'OTLP JSON, gzip',
  'OTLP protobuf',
  'OTLP protobuf, gzip',
  'Realm, documents',
] as const;

export type VariantName = (typeof variantNames)[number];

/** Whether a variant talks to realm-ingest; the others talk to an HTTP server. */
export function isRealm(name: VariantName): boolean {
  return name.startsWith('Realm');
}

/** @param directory - for Realm's files */
export async function createSubject(
  name: VariantName,
  signal: Signal,
  serverUrl: string,
  directory: string,
): Promise<Subject> {
  return isRealm(name)
    ? await createRealmSubject(signal, serverUrl, directory)
    : createOtlpSubject(name, signal, serverUrl);
}

function createOtlpSubject(name: VariantName, signal: Signal, url: string): Subject {
  const compression = name.endsWith('gzip') ? CompressionAlgorithm.GZIP : CompressionAlgorithm.NONE;
  const isJson = name.includes('JSON');
  const Exporter =
    signal === 'spans'
      ? isJson
        ? OtlpJsonTraceExporter
        : OtlpProtobufTraceExporter
      : isJson
        ? OtlpJsonLogExporter
        : OtlpProtobufLogExporter;
  const exporter = new Exporter({ url, compression, concurrencyLimit: 1000 });
  return {
    export: (items, callback) => {
      exporter.export(items as never, callback);
    },
    delivered: () => exporter.forceFlush(),
    close: () => exporter.shutdown(),
  };
}

async function createRealmSubject(signal: Signal, baseUrl: string, directory: string): Promise<Subject> {
  const connection = connect({
    Realm,
    appId: 'bench',
    baseUrl,
    credentials: Realm.Credentials.anonymous(),
    serviceName: 'bench',
    directory,
  });
  const exporter =
    signal === 'spans' ? new RealmSpanExporter({ connection }) : new RealmLogRecordExporter({ connection });
  await connection.realm;
  return {
    export: (items, callback) => {
      exporter.export(items as never, callback);
    },
    delivered: async () => {
      if (!(await connection.flush(60_000))) throw new Error('the server did not acknowledge within 60 s');
    },
    close: () => exporter.shutdown(),
  };
}
