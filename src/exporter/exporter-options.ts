import type { MeterProvider } from '@opentelemetry/api';
import { InvalidOptionError } from '../wire/telemetry-error.js';
import type { RealmLike } from '../realm/realm-types.js';
import { recordTarget, type HasRecordTarget, type RecordTarget } from '../delivery/record-target.js';
import { targetForRealm } from '../delivery/realm-target.js';

/** How telemetry is laid out in Realm. `documents`: one object for each span and each log record. */
export type Layout = 'documents';

const layouts: readonly Layout[] = ['documents'];

const DEFAULT_TIMEOUT_MILLIS = 10_000;
/** The longest delay that timers support. */
const MAX_TIMEOUT_MILLIS = 2 ** 31 - 1;

/** Options that do not depend on where the records are written. */
export interface RealmExporterSettings {
  /** Default `documents`. */
  layout?: Layout;
  /** Bound of `forceFlush()` and of `shutdown()`, in milliseconds, 1 to 2 147 483 647. Default 10 000. */
  timeoutMillis?: number;
  /**
   * Receives the exporter's own metrics, `otel.sdk.exporter.*`. The option has the same name as in the SDK's exporters
   * and processors. Default: none, and nothing is measured.
   *
   * @experimental The metrics' names are in development in OpenTelemetry's semantic conventions, and change with them.
   */
  selfObsMeterProvider?: MeterProvider;
}

/** Options of an exporter that writes through a connection. */
export interface ConnectionExporterOptions extends RealmExporterSettings {
  /** The result of `connect()`. Several exporters may share it; the `shutdown()` of the last one closes it. */
  connection: HasRecordTarget;
  /** If given, it must equal the prefix of the connection. */
  classPrefix?: string;
  realm?: undefined;
}

/** Options of an exporter that writes to a Realm that the app opened itself. */
export interface RealmInstanceExporterOptions extends RealmExporterSettings {
  /** An open Realm with flexible sync whose schema contains `schemasFor({ classPrefix })`. The exporter never closes it. */
  realm: RealmLike;
  /** Prefix of our class names in that Realm: `Acme` makes `AcmeSpan` and so on. Default: none. */
  classPrefix?: string;
  connection?: undefined;
}

/** Options of `RealmSpanExporter` and `RealmLogRecordExporter`. */
export type RealmExporterOptions = ConnectionExporterOptions | RealmInstanceExporterOptions;

type OptionName = 'connection' | 'realm' | 'classPrefix' | keyof RealmExporterSettings;

/** Checked options. */
export interface ResolvedExporterOptions {
  readonly target: RecordTarget;
  readonly timeoutMillis: number;
  readonly meterProvider: MeterProvider | undefined;
}

/**
 * Checks the options of an exporter and finds their target.
 *
 * @throws InvalidOptionError that names the first unusable option
 */
export function resolveExporterOptions(options: RealmExporterOptions): ResolvedExporterOptions {
  // JavaScript callers may pass anything.
  const given = options as Partial<Record<OptionName, unknown>> | null | undefined;
  if (typeof given !== 'object' || given === null) {
    throw new InvalidOptionError('options', given, 'an object with connection or realm');
  }
  const {
    layout = 'documents',
    timeoutMillis = DEFAULT_TIMEOUT_MILLIS,
    classPrefix,
    selfObsMeterProvider: meterProvider,
  } = given;
  if (!layouts.some((known) => known === layout)) {
    throw new InvalidOptionError(
      'layout',
      layout,
      layouts.map((known) => JSON.stringify(known)).join(' or '),
    );
  }
  if (typeof timeoutMillis !== 'number' || !(timeoutMillis >= 1 && timeoutMillis <= MAX_TIMEOUT_MILLIS)) {
    throw new InvalidOptionError('timeoutMillis', timeoutMillis, `a number from 1 to ${MAX_TIMEOUT_MILLIS}`);
  }
  if (meterProvider !== undefined && !isMeterProvider(meterProvider)) {
    throw new InvalidOptionError('selfObsMeterProvider', meterProvider, 'a MeterProvider');
  }
  if ((given.connection === undefined) === (given.realm === undefined)) {
    throw new InvalidOptionError('connection', given.connection, 'either a connection or a realm');
  }
  const target =
    options.realm === undefined ? targetOf(options.connection) : targetForRealm(options.realm, options);
  if (classPrefix !== undefined && classPrefix !== target.classPrefix) {
    throw new InvalidOptionError(
      'classPrefix',
      classPrefix,
      `the prefix of the connection, ${JSON.stringify(target.classPrefix)}`,
    );
  }
  return { target, timeoutMillis, meterProvider };
}

function isMeterProvider(given: unknown): given is MeterProvider {
  return (
    typeof given === 'object' && given !== null && 'getMeter' in given && typeof given.getMeter === 'function'
  );
}

function targetOf(connection: unknown): RecordTarget {
  if (typeof connection === 'object' && connection !== null && recordTarget in connection) {
    return (connection as HasRecordTarget)[recordTarget];
  }
  throw new InvalidOptionError('connection', connection, 'the result of connect()');
}
