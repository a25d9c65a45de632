import { platform } from '#platform';
import { parseDurationSeconds } from '../wire/duration.js';
import { InvalidOptionError } from '../wire/telemetry-error.js';
import { classNamesFor, schemasFor } from '../wire/schema.js';
import { fetchWhole } from '../realm/app-fetch.js';
import { openApp } from '../realm/app-registry.js';
import { RealmConnection, type Connection } from './connection.js';
import { inspectRealm } from '../realm/realm-support.js';
import {
  asNative,
  type AppLike,
  type CredentialsLike,
  type NativeApp,
  type NativeUser,
  type RealmConstructor,
  type RealmLike,
  type UserLike,
} from '../realm/realm-types.js';
import { FileSlotStore, MemorySlotStore, type Slot, type SlotStore } from '../disk/slot.js';
import type { WhenFull } from '../disk/spool-limits.js';
import { singleUser, usersOf, type UserSource } from '../sync/user-source.js';

/** The length of a Realm encryption key. */
const ENCRYPTION_KEY_BYTES = 64;

const DEFAULT_MAX_UNSYNCED_BYTES = 256 * 1024 * 1024;
/** A Realm file begins with some hundred kilobytes and grows by a megabyte at a time. */
const MIN_MAX_UNSYNCED_BYTES = 4 * 1024 * 1024;

/** Credentials made by `Realm.Credentials`, or a function that makes them for each log-in, for tokens that expire. */
export type CredentialsOption = CredentialsLike | (() => CredentialsLike | Promise<CredentialsLike>);

/** Options of every way to connect. */
export interface CommonConnectOptions<R extends RealmLike = RealmLike> {
  /** The Realm class: `import Realm from 'realm'`, 12.7 to 12.15. */
  Realm: RealmConstructor<R>;
  /** The service whose processes share a directory. Default: `OTEL_SERVICE_NAME`, else `unknown_service`. */
  serviceName?: string;
  /** Where files go, in a subdirectory named after the service. Default: the user's directory for state. */
  directory?: string;
  /** 64 bytes. Encrypts the spool, the Realm, and Realm's metadata, which holds the log-in. Files need the same key again. */
  encryptionKey?: Uint8Array | ArrayBuffer;
  /** Prefix of our class names, for an app whose own Realm has a `Span`. realm-ingest must know it too. */
  classPrefix?: string;
  /**
   * The limit for the files of the service on this device, all its processes together, in bytes, at least 4 MiB. Default
   * 256 MiB. If the engine has no files, the sizes of the records count.
   */
  maxUnsyncedBytes?: number;
  /**
   * What happens to records when there is no room for more. `dropNewest`, the default, refuses new records: their export
   * fails. `dropOldest` drops the oldest records in this process's spool. A synced Realm keeps its records until the server
   * acknowledges them; when it is full, new records are refused with `dropOldest` as well.
   */
  whenFull?: WhenFull;
  /**
   * How long records are kept for a server, such as `36h` or `30d`; units `s`, `m`, `h`, `d`. Older records in the spool are
   * dropped; records in a synced Realm cannot be dropped. Default: no limit.
   */
  maxUnsyncedAge?: string;
}

/** Connect to an App of our own. */
export interface AppIdConnectOptions<R extends RealmLike = RealmLike> extends CommonConnectOptions<R> {
  /** The app id that the server serves. */
  appId: string;
  /** The server's URL without a path, such as `https://ingest.example.com` or `http://127.0.0.1:9090`. */
  baseUrl: string;
  credentials: CredentialsOption;
  app?: undefined;
  user?: undefined;
}

/** Connect through an App that the app has made. */
export interface AppConnectOptions<R extends RealmLike = RealmLike> extends CommonConnectOptions<R> {
  app: AppLike;
  /** Default: wait until the app has logged in a user. */
  credentials?: CredentialsOption;
  appId?: undefined;
  baseUrl?: undefined;
  user?: undefined;
}

/** Connect as a user that the app has logged in. */
export interface UserConnectOptions<R extends RealmLike = RealmLike> extends CommonConnectOptions<R> {
  user: UserLike;
  app?: undefined;
  appId?: undefined;
  baseUrl?: undefined;
  credentials?: undefined;
}

/** Options of {@link connect}: `appId`, `baseUrl` and `credentials`, or `app`, or `user`. */
export type ConnectOptions<R extends RealmLike = RealmLike> =
  AppIdConnectOptions<R> | AppConnectOptions<R> | UserConnectOptions<R>;

/**
 * Begins to connect, and returns at once. It needs no network. Records are kept on disk until the server has acknowledged
 * them.
 *
 * Call it as early as you like, also before `sdk.start()`. It throws for wrong options only. Later errors appear in
 * `connection.status` and in OpenTelemetry's `diag`.
 *
 * @throws InvalidOptionError naming the first option that is not usable
 * @throws ConnectionError `unsupported-realm` for a Realm that cannot sync, such as 20.x
 */
export function connect<R extends RealmLike>(options: ConnectOptions<R>): Connection<R> {
  // JavaScript callers may pass anything.
  const given: unknown = options;
  if (typeof given !== 'object' || given === null) {
    throw new InvalidOptionError('options', given, 'an object with Realm');
  }
  const support = inspectRealm(options.Realm);
  const schema = schemasFor({ classPrefix: options.classPrefix ?? '' });
  const classNames = classNamesFor(options.classPrefix);
  const encryptionKey = checkEncryptionKey(options.encryptionKey);
  const { appId, openSource } = checkSource(options, encryptionKey);
  const namedService =
    checkText('serviceName', options.serviceName) ?? platform.environment('OTEL_SERVICE_NAME') ?? '';
  const directory = checkText('directory', options.directory);
  return new RealmConnection<R>({
    Realm: asNative(options.Realm),
    // An empty variable counts as unset, as everywhere in OpenTelemetry.
    store: createStore({ serviceName: namedService || 'unknown_service', appId }, directory),
    openSource,
    schema,
    encryptionKey,
    isNative: support.isNative,
    classNames: { span: classNames.span, log: classNames.logRecord },
    shouldCompact: support.shouldCompact,
    maxUnsyncedBytes: checkMaxBytes(options.maxUnsyncedBytes),
    whenFull: checkWhenFull(options.whenFull),
    maxUnsyncedAgeMillis: checkAge(options.maxUnsyncedAge),
    classPrefix: options.classPrefix ?? '',
    warning: support.warning,
  });
}

function createStore(
  where: { readonly serviceName: string; readonly appId: string },
  directory: string | undefined,
): SlotStore {
  const { files } = platform;
  if (files === undefined) return new MemorySlotStore(where);
  return new FileSlotStore(files, { ...where, directory: directory ?? files.defaultDirectory() });
}

interface CheckedSource {
  /** Names a directory in each slot, so that records of one app are never sent to another. */
  readonly appId: string;
  readonly openSource: (slot: Slot) => UserSource;
}

function checkSource(options: ConnectOptions, encryptionKey: ArrayBuffer | undefined): CheckedSource {
  const { appId, app, user } = options;
  const ways = [appId, app, user].filter((way) => way !== undefined);
  if (ways.length !== 1) {
    throw new InvalidOptionError(
      'appId',
      appId,
      'exactly one of appId (with baseUrl and credentials), app, user',
    );
  }
  if (user !== undefined) {
    if (!isObject(user) || typeof user.id !== 'string')
      throw new InvalidOptionError('user', user, 'a Realm user');
    return { appId: `user ${user.id}`, openSource: () => singleUser(user as NativeUser) };
  }
  if (app !== undefined) {
    if (!isObject(app) || typeof app.id !== 'string') throw new InvalidOptionError('app', app, 'a Realm App');
    const credentials = options.credentials === undefined ? undefined : checkCredentials(options.credentials);
    return { appId: app.id, openSource: () => usersOf(app as NativeApp, credentials) };
  }
  const id = checkText('appId', appId);
  const credentials = checkCredentials(options.credentials);
  const baseUrl = checkBaseUrl(options.baseUrl);
  const Realm = asNative(options.Realm);
  return {
    appId: id ?? '',
    openSource(slot) {
      const config = {
        id: id ?? '',
        baseUrl,
        fetch: fetchWhole,
        ...(slot.directory === undefined ? {} : { baseFilePath: slot.directory }),
        ...(encryptionKey === undefined ? {} : { metadata: { mode: 'encryption', encryptionKey } }),
      };
      return usersOf(openApp(Realm, slot.path(''), config), credentials, baseUrl);
    },
  };
}

function checkText(option: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '')
    throw new InvalidOptionError(option, value, 'a non-empty string');
  return value;
}

function checkMaxBytes(value: unknown): number {
  if (value === undefined) return DEFAULT_MAX_UNSYNCED_BYTES;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= MIN_MAX_UNSYNCED_BYTES)
    return value;
  throw new InvalidOptionError('maxUnsyncedBytes', value, `an integer of ${MIN_MAX_UNSYNCED_BYTES} or more`);
}

function checkWhenFull(value: unknown): WhenFull {
  if (value === undefined) return 'dropNewest';
  if (value === 'dropNewest' || value === 'dropOldest') return value;
  throw new InvalidOptionError('whenFull', value, '"dropNewest" or "dropOldest"');
}

function checkAge(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const seconds = typeof value === 'string' ? parseDurationSeconds(value) : undefined;
  if (seconds !== undefined && seconds > 0) return seconds * 1000;
  throw new InvalidOptionError('maxUnsyncedAge', value, 'a time above zero, such as 36h or 30d');
}

function checkBaseUrl(value: unknown): string {
  const expected = 'an http or https URL without a path, such as https://ingest.example.com';
  if (typeof value !== 'string' || !URL.canParse(value))
    throw new InvalidOptionError('baseUrl', value, expected);
  const url = new URL(value);
  if (!/^https?:$/.test(url.protocol)) throw new InvalidOptionError('baseUrl', value, expected);
  if (url.username !== '' || url.password !== '') {
    throw new InvalidOptionError('baseUrl', '…', `${expected}, without a user`);
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new InvalidOptionError('baseUrl', value, expected);
  }
  return url.origin;
}

function checkCredentials(value: unknown): () => CredentialsLike | Promise<CredentialsLike> {
  if (typeof value === 'function') return value as () => CredentialsLike;
  if (isObject(value)) return () => value;
  // The value is not quoted: it may be a bare API key.
  throw new InvalidOptionError(
    'credentials',
    value === undefined ? value : '…',
    'the result of Realm.Credentials.anonymous(), .apiKey() or .jwt(), or a function that returns it',
  );
}

function checkEncryptionKey(value: unknown): ArrayBuffer | undefined {
  if (value === undefined) return undefined;
  const isBytes = value instanceof Uint8Array || value instanceof ArrayBuffer;
  if (!isBytes || value.byteLength !== ENCRYPTION_KEY_BYTES) {
    throw new InvalidOptionError(
      'encryptionKey',
      '…',
      `${ENCRYPTION_KEY_BYTES} bytes as Uint8Array or ArrayBuffer`,
    );
  }
  // A copy, because the app may erase its own.
  return Uint8Array.from(value instanceof ArrayBuffer ? new Uint8Array(value) : value).buffer;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
