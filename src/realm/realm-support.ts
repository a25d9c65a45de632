import { ConnectionError } from '../connection-error.js';
import type { RealmConstructor } from './realm-types.js';
import { isWorthCompacting, neverCompact, type ShouldCompact } from './compaction.js';

/** What a version of the Realm SDK supports. */
export interface RealmSupport {
  /** For example `12.15.0`; undefined if the SDK does not tell. */
  readonly version: string | undefined;
  /** False for the WebAssembly engine, whose files are in memory. */
  readonly isNative: boolean;
  /**
   * Decides about compaction; undefined if the engine has no files. Before 12.10, compaction could lose data (realm-core
   * 7747); before 12.12, it could lose the key of an encrypted file (realm-core 7842).
   */
  readonly shouldCompact: ShouldCompact | undefined;
  /** A warning about this version, for the log. */
  readonly warning: string | undefined;
}

/**
 * Checks that this Realm can sync.
 *
 * @throws ConnectionError `unsupported-realm` if it is not a Realm class, is 20.x, or is a build without sync
 */
export function inspectRealm(realm: RealmConstructor): RealmSupport {
  // JavaScript callers may pass anything.
  const given: unknown = realm;
  if (typeof given !== 'function') {
    throw unsupported("pass the class itself: import Realm from 'realm', then connect({ Realm, … })");
  }
  const BSON = property(given, 'BSON');
  if (typeof property(BSON, 'ObjectId') !== 'function') {
    throw unsupported('it has no BSON.ObjectId; pass the default export of the package realm, 12.7 to 12.15');
  }
  const App = property(given, 'App');
  if (typeof App !== 'function') {
    throw unsupported(
      'it has no Device Sync, as version 20 and community builds; install realm 12.7 to 12.15',
    );
  }
  const deviceInfo = property(App, 'deviceInfo');
  const sdkVersion = property(deviceInfo, 'sdkVersion');
  const version = typeof sdkVersion === 'string' ? sdkVersion : undefined;
  const isNative = property(deviceInfo, 'frameworkName') !== 'WebAssembly';
  const [major, minor] = (version ?? '12.15').split('.').map(Number);
  if (major !== undefined && major >= 20) {
    throw unsupported(`version ${version} has no Device Sync; install realm 12.7 to 12.15`);
  }
  if (!isNative) return { version, isNative, shouldCompact: undefined, warning: undefined };
  const compactsWell = version !== undefined && major === 12 && minor !== undefined && minor >= 12;
  const shouldCompact = compactsWell ? isWorthCompacting : neverCompact;
  return { version, isNative, shouldCompact, warning: warnOf(version, major, minor) };
}

function warnOf(
  version: string | undefined,
  major: number | undefined,
  minor: number | undefined,
): string | undefined {
  if (major === 12 && minor !== undefined && minor >= 7) return undefined;
  return (
    `realm ${version ?? ''} is older than 12.7: it may trace our own requests, and may not go on syncing after ` +
    'a start without a network; install realm 12.7 to 12.15'
  );
}

function unsupported(particulars: string): ConnectionError {
  return new ConnectionError('unsupported-realm', particulars);
}

function property(value: unknown, name: string): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  try {
    return Reflect.get(value, name);
  } catch {
    return undefined; // accessors of removed features throw
  }
}
