/**
 * The types of the Realm SDK, as far as we use it. The app passes Realm to us, and we never import it: no native binary is
 * loaded for types, and the types are not bound to one release.
 *
 * The first half (`RealmConstructor`, `RealmLike` …) is what apps pass; every `realm` 12.x satisfies it. The second half
 * (`Native…`) is how we call it. {@link asNative} is the one cast between the two.
 *
 * @module
 */

/** A 12-byte BSON ObjectId of the Realm's own BSON class. */
export interface ObjectIdLike {
  /** 24 lower-case hex digits. */
  toHexString(): string;
}

/** `Realm.BSON.ObjectId`. Without an argument it makes a new id. */
export type ObjectIdConstructor = new (hex?: string) => ObjectIdLike;

/** An open Realm. */
export interface RealmLike {
  readonly isClosed: boolean;
  readonly isInTransaction: boolean;
  /** Path of the file; on the WebAssembly engine no such file exists. */
  readonly path: string;
  /** Null in a local Realm. */
  readonly syncSession: object | null;
  write<T>(callback: () => T): T;
  close(): void;
}

/** A user of App Services. */
export interface UserLike {
  readonly id: string;
  readonly isLoggedIn: boolean;
  /** `active`, `LoggedOut`, `removed`. Releases differ in spelling and case. */
  readonly state: string;
}

/** `Realm.App`'s instance. */
export interface AppLike {
  readonly id: string;
  readonly currentUser: UserLike | null;
}

/** The result of `Realm.Credentials.anonymous()` and its siblings. */
export type CredentialsLike = object;

/** The `Realm` class: `import Realm from 'realm'`. */
export interface RealmConstructor<R extends RealmLike = RealmLike> {
  new (config: never): R;
  readonly BSON: { readonly ObjectId: ObjectIdConstructor };
  readonly App: new (config: never) => AppLike;
}

// How we call it.

/** `realm.syncSession`. */
export interface NativeSession {
  isConnected(): boolean;
  pause(): void;
  resume(): void;
  addConnectionNotification(callback: (newState: string, oldState: string) => void): void;
  removeConnectionNotification(callback: (newState: string, oldState: string) => void): void;
  /** Resolves when everything committed before the call is acknowledged. Rejections are not always `Error`s. */
  uploadAllLocalChanges(timeoutMillis?: number): Promise<void>;
}

/** An open Realm, as we call it. */
export interface NativeRealm extends RealmLike {
  readonly syncSession: NativeSession | null;
  create(className: string, values: Readonly<Record<string, unknown>>): unknown;
  objects(className: string): NativeResults;
  delete(objects: unknown): void;
  cancelTransaction(): void;
}

/** One managed object. Properties are read from the file at each access. */
export type NativeObject = Readonly<Record<string, unknown>>;

/** A live collection. */
export interface NativeResults extends Iterable<NativeObject> {
  readonly length: number;
  readonly [index: number]: NativeObject;
  sorted(property: string, reverse?: boolean): NativeResults;
  filtered(query: string, ...values: readonly unknown[]): NativeResults;
  sum(property: string): unknown;
  min(property: string): unknown;
  max(property: string): unknown;
}

/** An object schema in Realm's plain form. */
export interface NativeObjectSchema {
  readonly name: string;
  readonly primaryKey?: string;
  readonly asymmetric?: boolean;
  readonly embedded?: boolean;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** An error that a sync session reports. */
export interface NativeSyncError {
  readonly name: string;
  readonly message: string;
  /** See section 7.4 of the sync protocol's page. */
  readonly code: number;
  readonly isFatal?: boolean;
}

/** `new Realm(config)`. */
export interface NativeConfiguration {
  readonly path: string;
  readonly schema?: readonly NativeObjectSchema[];
  readonly schemaVersion?: number;
  readonly encryptionKey?: ArrayBuffer;
  /** Called when the file is opened first in this process, and only if a part of it is free. */
  readonly shouldCompact?: (totalBytes: number, usedBytes: number) => boolean;
  readonly sync?: {
    readonly user: NativeUser;
    readonly flexible: true;
    readonly onError: (session: unknown, error: NativeSyncError) => void;
    readonly clientReset?: { readonly mode: string };
  };
}

/** A user, as we call it. */
export interface NativeUser extends UserLike {
  readonly accessToken: string | null;
}

/** An App, as we call it. */
export interface NativeApp extends AppLike {
  readonly currentUser: NativeUser | null;
  readonly allUsers: Readonly<Record<string, NativeUser>>;
  logIn(credentials: CredentialsLike): Promise<NativeUser>;
}

/** `new Realm.App(config)`. */
export interface NativeAppConfiguration {
  readonly id: string;
  readonly baseUrl?: string;
  /** Directory of Realm's metadata, refresh tokens included. Native only. */
  readonly baseFilePath?: string;
  readonly metadata?: { readonly mode: string; readonly encryptionKey?: ArrayBuffer };
  /** Since 12.6: makes App Services' HTTP calls. */
  readonly fetch?: (input: unknown, init?: unknown) => Promise<unknown>;
}

/** The `Realm` class, as we call it. */
export interface NativeRealmConstructor {
  new (config: NativeConfiguration): NativeRealm;
  readonly BSON: { readonly ObjectId: ObjectIdConstructor };
  readonly App: {
    new (config: NativeAppConfiguration): NativeApp;
    readonly Sync?: { initiateClientReset?(app: NativeApp, path: string): void };
  };
  deleteFile(config: NativeConfiguration): void;
}

/** The app's Realm class, with the signatures that we call. */
export function asNative(realm: RealmConstructor): NativeRealmConstructor {
  return realm as unknown as NativeRealmConstructor;
}
