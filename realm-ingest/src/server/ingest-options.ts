/**
 * Options of the server: their defaults and checks.
 *
 * @module
 */
import { InvalidOptionError } from 'opentelemetry-exporter-realm/wire';
import { defaultAccessTokenSeconds } from '../auth/authenticator.js';
import type { Logger } from '../logger.js';
import { checkStoredClasses } from '../pipeline/stored-classes.js';
import type { Store } from '../store/store.js';
import { defaultSyncLimits } from '../sync/sync-limits.js';
import { createDefaultLogger } from './default-logger.js';
import { isLoopback, parseOrigin } from './location.js';
import { findTlsProblem, type TlsOptions } from './tls.js';

/** Options of `createIngestServer`. */
export interface IngestServerOptions {
  /** The app's id, as clients give it to `Realm.App`: up to 100 letters, digits, `.`, `_` and `-`. */
  readonly appId: string;
  /** Where documents are stored: a URL as for `openStore`, or an open store, which the caller closes. */
  readonly store: string | Store;
  /** Address or name to listen on. Other than loopback, it needs `tls` or `insecure`. Default: `127.0.0.1`. */
  readonly host?: string | undefined;
  /** 0 to 65535; 0 picks a free one. Default: 9090. */
  readonly port?: number | undefined;
  /**
   * The URL that clients are told to use: scheme, host and port only, as in `https://telemetry.example.com`. Needed behind
   * a proxy that ends TLS or listens elsewhere. Default: the host that each client asked.
   */
  readonly publicUrl?: string | undefined;
  /**
   * The server's secret, at least 32 bytes; a string is taken as UTF-8. Tokens and salts derive from it. Default: a secret
   * that is created in the store at the first start; back it up.
   */
  readonly secret?: string | Uint8Array | undefined;
  /** Whether users may log in without credentials. Default: false. */
  readonly allowAnonymous?: boolean | undefined;
  /** Asymmetric classes that are stored in addition to our own. Default: none. */
  readonly classes?: readonly string[] | undefined;
  /** Prefix of our own classes, as the exporters' `classPrefix`. Default: none. */
  readonly classPrefix?: string | undefined;
  /**
   * MongoDB only: collections by class, as in `{ Span: 'traces' }`, for classes whose collections have other names. If you
   * change it, rename existing collections too: duplicates are found only in the class's collection. Default: none.
   */
  readonly collections?: Readonly<Record<string, string>> | undefined;
  /**
   * Lifetime of access tokens, in seconds. WebAssembly clients do not refresh a token that expires while they run: give
   * them a longer lifetime. Default: 1800.
   */
  readonly accessTokenSeconds?: number | undefined;
  /** Largest sync message, in bytes, from 1 KiB to 1 GiB. Larger ones are refused. Default: 128 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /** Bytes of all clients' messages from arrival to commit; at least 1 KiB. Default: 256 MiB. */
  readonly maxInflightBytes?: number | undefined;
  /** Space for dead letters in the store, in bytes. Default: 1 GiB. */
  readonly maxDeadLetterBytes?: number | undefined;
  /**
   * MongoDB only: seconds after which a stored document is deleted, by the server's clock. A new value applies to existing
   * documents too. Default: never.
   */
  readonly retentionSeconds?: number | undefined;
  /** MongoDB only: indexes all attributes of spans and of log records, with one wildcard index each. Default: false. */
  readonly indexAttributes?: boolean | undefined;
  /** Serves TLS with this certificate. Default: plain HTTP. */
  readonly tls?: TlsOptions | undefined;
  /** Allows an address other than loopback without TLS: others can read tokens and telemetry on the way. Default: false. */
  readonly insecure?: boolean | undefined;
  /**
   * Port of `GET /metrics`, for Prometheus; 0 picks a free port. It shows amounts, never telemetry. Default: no metrics port.
   */
  readonly metricsPort?: number | undefined;
  /** Address or name of the metrics port. Default: `127.0.0.1`. */
  readonly metricsHost?: string | undefined;
  /** Receives log lines; pino's interface. Default: JSON lines on stderr, from level `info`. */
  readonly logger?: Logger | undefined;
}

/** Options after defaults and checks. */
export interface ResolvedIngestOptions {
  readonly appId: string;
  readonly store: string | Store;
  readonly host: string;
  readonly port: number;
  readonly publicUrl: URL | undefined;
  readonly secret: Uint8Array | undefined;
  readonly allowAnonymous: boolean;
  readonly classes: readonly string[];
  readonly classPrefix: string;
  readonly collections: Readonly<Record<string, string>> | undefined;
  readonly accessTokenSeconds: number;
  readonly maxMessageBytes: number;
  readonly maxInflightBytes: number;
  readonly maxDeadLetterBytes: number | undefined;
  readonly retentionSeconds: number | undefined;
  readonly indexAttributes: boolean;
  readonly tls: TlsOptions | undefined;
  readonly metrics: { readonly host: string; readonly port: number } | undefined;
  readonly logger: Logger;
}

const kibibyte = 1024;
const gibibyte = 1024 ** 3;
const tenYearsSeconds = 10 * 365 * 24 * 3600;

/** @throws InvalidOptionError for the first option that is not usable */
export function resolveIngestOptions(options: IngestServerOptions): ResolvedIngestOptions {
  const host = options.host ?? '127.0.0.1';
  requireText('host', host);
  const { store, tls, publicUrl } = options;
  if (typeof store !== 'object') requireText('store', store);
  if (!tls && options.insecure !== true && !isLoopback(host)) {
    throw new InvalidOptionError(
      'host',
      host,
      'a loopback address, or with it TLS (--tls-cert and --tls-key) or "insecure" (--insecure)',
    );
  }
  const tlsProblem = tls && findTlsProblem(tls);
  if (tlsProblem !== undefined) {
    throw new InvalidOptionError('tls', tls, `a certificate and its key, both PEM (${tlsProblem})`);
  }
  const origin = publicUrl === undefined ? undefined : parseOrigin(publicUrl);
  if (publicUrl !== undefined && !origin) {
    throw new InvalidOptionError(
      'publicUrl',
      publicUrl,
      'http:// or https://, a host, and nothing but a port after it',
    );
  }
  const classPrefix = options.classPrefix ?? '';
  const classes = options.classes ?? [];
  const { secret, maxDeadLetterBytes, retentionSeconds, indexAttributes = false, collections } = options;
  checkStoredClasses({ classPrefix, classes, collections });
  if (typeof store === 'object')
    refuseStoreOptions({ maxDeadLetterBytes, retentionSeconds, indexAttributes });
  return {
    appId: requireAppId(options.appId),
    store,
    host,
    port: requireInteger('port', options.port ?? 9090, 0, 65_535),
    publicUrl: origin,
    secret: typeof secret === 'string' ? new TextEncoder().encode(secret) : secret,
    allowAnonymous: options.allowAnonymous ?? false,
    classes,
    classPrefix,
    collections,
    accessTokenSeconds: requireInteger(
      'accessTokenSeconds',
      options.accessTokenSeconds ?? defaultAccessTokenSeconds,
      1,
      tenYearsSeconds,
    ),
    maxMessageBytes: requireInteger(
      'maxMessageBytes',
      options.maxMessageBytes ?? defaultSyncLimits.maxMessageBytes,
      kibibyte,
      gibibyte,
    ),
    maxInflightBytes: requireInteger(
      'maxInflightBytes',
      options.maxInflightBytes ?? defaultSyncLimits.maxInflightBytes,
      kibibyte,
      Number.MAX_SAFE_INTEGER,
    ),
    maxDeadLetterBytes:
      maxDeadLetterBytes === undefined
        ? undefined
        : requireInteger('maxDeadLetterBytes', maxDeadLetterBytes, 0, Number.MAX_SAFE_INTEGER),
    retentionSeconds,
    indexAttributes,
    tls,
    metrics: resolveMetrics(options),
    logger: options.logger ?? createDefaultLogger('info'),
  };
}

/** Options of a store apply when it is opened: they cannot be given for an open one. */
function refuseStoreOptions(options: Readonly<Record<string, unknown>>): void {
  for (const [option, value] of Object.entries(options)) {
    if (value !== undefined && value !== false) {
      throw new InvalidOptionError(
        option,
        value,
        'no value: give it to openStore, because the store is already open',
      );
    }
  }
}

function resolveMetrics({ metricsHost, metricsPort }: IngestServerOptions): ResolvedIngestOptions['metrics'] {
  const host = metricsHost ?? '127.0.0.1';
  requireText('metricsHost', host);
  if (metricsPort === undefined) {
    if (metricsHost === undefined) return undefined;
    throw new InvalidOptionError('metricsPort', metricsPort, 'a port, because a host for metrics is given');
  }
  return { host, port: requireInteger('metricsPort', metricsPort, 0, 65_535) };
}

/** @throws InvalidOptionError unless it is an app id. It appears in URLs unencoded. */
function requireAppId(appId: string): string {
  if (typeof appId !== 'string' || !/^[\w.-]{1,100}$/.test(appId) || /^\.+$/.test(appId)) {
    throw new InvalidOptionError('appId', appId, 'up to 100 letters, digits, ".", "_" and "-"');
  }
  return appId;
}

function requireText(option: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') {
    throw new InvalidOptionError(option, value, 'a string that is not empty');
  }
}

function requireInteger(option: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new InvalidOptionError(
      option,
      value,
      max === Number.MAX_SAFE_INTEGER ? `an integer from ${min} on` : `an integer from ${min} to ${max}`,
    );
  }
  return value;
}
