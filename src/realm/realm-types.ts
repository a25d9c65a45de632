/**
 * The shape of the Realm SDK, as far as we touch it. Realm is handed in by the app, never imported, so that neither a
 * native binary is loaded for types nor one release of its types pinned.
 *
 * What an app passes is checked against the first half (`RealmConstructor`, `RealmLike` …), which every `realm` 12.x
 * satisfies. The second half (`Native…`) says how we call it; {@link asNative} is the one cast between the two.
 *
 * @module
 */

/** A 12-byte BSON ObjectId of the Realm's own BSON class. */
export interface ObjectIdLike {
  /** 24 lower-case hex digits. */
  toHexString(): string;
}

/** `Realm.BSON.ObjectId`. Without an argument it makes a fresh id. */
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
  /** `active`, `LoggedOut`, `removed`: spelled differently between releases, compare with care. */
  readonly state: string;
}

/** `Realm.App`'s instance. */
export interface AppLike {
  readonly id: string;
  readonly currentUser: UserLike | null;
}

/** What `Realm.Credentials.anonymous()` and its siblings return. */
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
  /** `disconnected`, `connecting`, `connected`. */
  readonly connectionState: string;
  isConnected(): boolean;
  pause(): void;
  resume(): void;
  /** Since 12.2; dials at once instead of waiting for the back-off. */
  reconnect?(): void;
  addConnectionNotification(callback: (newState: string, oldState: string) => void): void;
  removeConnectionNotification(callback: (newState: string, oldState: string) => void): void;
  /** Resolves when what is committed at the call is acknowledged. Rejections are not always `Error`s. */
  uploadAllLocalChanges(timeoutMillis?: number): Promise<void>;
}

/** An open Realm, as we use it. */
export interface NativeRealm extends RealmLike {
  readonly syncSession: NativeSession | null;
  create(className: string, values: Readonly<Record<string, unknown>>): unknown;
  objects(className: string): NativeResults;
  objectForPrimaryKey(className: string, key: unknown): NativeObject | null;
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
  /** Asked when the file is opened by nobody else in this process, and only if something in it is free. */
  readonly shouldCompact?: (totalBytes: number, usedBytes: number) => boolean;
  readonly sync?: {
    readonly user: NativeUser;
    readonly flexible: true;
    readonly onError: (session: unknown, error: NativeSyncError) => void;
    readonly clientReset?: { readonly mode: string };
  };
}

/** A user, as we use it. */
export interface NativeUser extends UserLike {
  readonly accessToken: string | null;
}

/** An App, as we use it. */
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

/** The `Realm` class, as we use it. */
export interface NativeRealmConstructor {
  new (config: NativeConfiguration): NativeRealm;
  readonly BSON: { readonly ObjectId: ObjectIdConstructor };
  readonly App: {
    new (config: NativeAppConfiguration): NativeApp;
    readonly Sync?: { initiateClientReset?(app: NativeApp, path: string): void };
  };
  deleteFile(config: NativeConfiguration): void;
  exists(config: NativeConfiguration): boolean;
}

/** The Realm class that an app passed, with the signatures that we call. */
export function asNative(realm: RealmConstructor): NativeRealmConstructor {
  return realm as unknown as NativeRealmConstructor;
}
