import type { ExporterError } from '../errors.js';
import { InvalidOptionError } from '../wire/telemetry-error.js';
import { classNamesFor } from '../wire/schema.js';
import { settledWithin } from '../time/bounded-wait.js';
import { ConnectionError } from '../connection-error.js';
import { RealmDestination } from '../realm/destination.js';
import { Diagnostics } from '../diagnostics.js';
import type { NativeRealm, ObjectIdConstructor, RealmLike } from '../realm/realm-types.js';
import type { RecordTarget, WriteOutcome } from './record-target.js';
import { RecordWriter, type DestinationPicker, type PickedDestination } from './record-writer.js';
import { withoutTracing } from '../suppression.js';

/** One target for each Realm and prefix, so that writes of several exporters follow one another. */
const targets = new WeakMap<RealmLike, Map<string, RealmTarget>>();

/**
 * The target for a Realm that the app opens and closes.
 *
 * @throws InvalidOptionError if the Realm cannot take asymmetric objects, or does not have our classes
 */
export function targetForRealm(realm: RealmLike, options: { classPrefix?: string } = {}): RecordTarget {
  const classPrefix = options.classPrefix ?? '';
  const names = classNamesFor(classPrefix);
  const native = checkRealm(realm);
  const schema = readSchema(native);
  for (const name of [names.span, names.logRecord]) {
    if (!schema.some((entry) => entry.name === name && entry.asymmetric === true)) {
      throw new InvalidOptionError(
        'realm',
        realm,
        `one opened with schemasFor(…): it has no asymmetric class ${name}`,
      );
    }
  }
  const known = targets.get(realm) ?? new Map<string, RealmTarget>();
  targets.set(realm, known);
  const target = known.get(classPrefix) ?? new RealmTarget(native, classPrefix);
  known.set(classPrefix, target);
  return target;
}

function checkRealm(realm: RealmLike): NativeRealm {
  // JavaScript callers may pass anything.
  const given: unknown = realm;
  if (typeof given !== 'object' || given === null || typeof (given as RealmLike).write !== 'function') {
    throw new InvalidOptionError('realm', given, 'an open Realm');
  }
  if (realm.isClosed) throw new InvalidOptionError('realm', given, 'an open Realm; this one is closed');
  if (realm.syncSession === null) {
    throw new InvalidOptionError('realm', given, 'a Realm with flexible sync; this one is local');
  }
  return realm as NativeRealm;
}

function readSchema(realm: NativeRealm): readonly { name?: unknown; asymmetric?: unknown }[] {
  const schema: unknown = Reflect.get(realm, 'schema');
  return Array.isArray(schema) ? (schema as { name?: unknown; asymmetric?: unknown }[]) : [];
}

class RealmTarget implements RecordTarget, DestinationPicker {
  readonly ObjectId: ObjectIdConstructor;
  readonly classPrefix: string;
  readonly #realm: NativeRealm;
  readonly #destination: RealmDestination;
  readonly #diagnostics = new Diagnostics('opentelemetry-exporter-realm');
  readonly #writer: RecordWriter;
  #exporters = 0;

  constructor(realm: NativeRealm, classPrefix: string) {
    this.#realm = realm;
    this.classPrefix = classPrefix;
    this.ObjectId = (
      realm.constructor as unknown as { BSON: { ObjectId: ObjectIdConstructor } }
    ).BSON.ObjectId;
    this.#destination = new RealmDestination(realm);
    this.#writer = new RecordWriter(this, this);
  }

  write(records: Parameters<RecordTarget['write']>[0]): Promise<WriteOutcome> {
    return this.#writer.write(records);
  }

  countDropped(): void {
    this.dropped();
  }

  retain(): void {
    this.#exporters += 1;
  }

  async release(timeoutMillis: number): Promise<void> {
    this.#exporters -= 1;
    const deadline = performance.now() + timeoutMillis;
    const isWritten = await settledWithin(this.#writer.idle(), timeoutMillis);
    if (!isWritten || this.#exporters > 0) return;
    try {
      const session = this.#realm.syncSession;
      if (this.#realm.isClosed || session === null || !withoutTracing(() => session.isConnected())) return;
      const remaining = Math.max(0, deadline - performance.now());
      await settledWithin(
        withoutTracing(() => session.uploadAllLocalChanges(remaining)),
        remaining,
      );
    } catch {
      // A sync session that is gone throws; then there is nothing to wait for.
    }
  }

  /** The app alone decides how much its Realm may take. */
  pick(): PickedDestination {
    if (this.#realm.isClosed) throw new ConnectionError('connection-closed', 'the app has closed its Realm');
    return { destination: this.#destination, roomBytes: Infinity };
  }

  stored(): void {
    // The app's Realm has no counts of ours.
  }

  dropped(): void {
    // The app's Realm has no status of ours; exporters report what they drop to `diag`.
  }

  failed(error: ExporterError): void {
    this.#diagnostics.report(error.level, error.code, error.message);
  }
}
