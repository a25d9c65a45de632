import type * as bson from 'bson';
import type {
  App,
  Configuration,
  Credentials,
  ObjectSchema as RealmObjectSchema,
  Realm as RealmInstance,
  User as RealmUser,
} from 'realm-wasm';

/** Which engine was loaded. */
export declare const engineName: 'native' | 'wasm';

/** Ends every session of the process, with what is still to be uploaded; on the native engine, none. */
export declare function endSessions(): void;

/** The engine's own BSON: it does not recognise the classes of another copy. */
export declare const BSON: Pick<typeof bson, 'ObjectId' | 'UUID' | 'Decimal128' | 'Binary' | 'EJSON'>;

/** What `new Realm.App` takes since 12.6. */
interface LaterConfiguration {
  readonly id: string;
  readonly baseUrl?: string;
  readonly fetch?: typeof fetch;
}

/** The `Realm` class, as far as it is used here. The types are those of 12.0; later ones of 12.x only add to them. */
interface RealmClass {
  new (config?: Configuration): RealmInstance;
  readonly open: typeof RealmInstance.open;
  readonly exists: typeof RealmInstance.exists;
  readonly deleteFile: typeof RealmInstance.deleteFile;
  /** Since 12.7. */
  readonly shutdown?: () => void;
  readonly App: typeof App & (new (configuration: LaterConfiguration) => InstanceType<typeof App>);
  readonly Credentials: typeof Credentials;
  readonly BSON: typeof BSON;
}

declare const Realm: RealmClass;
declare namespace Realm {
  export type AnyApp = InstanceType<typeof App>;
  export type AnyCredentials = Credentials;
  export type ObjectSchema = RealmObjectSchema;
  export type User = RealmUser;
}
/** One opened Realm. */
type Realm = RealmInstance;
export default Realm;
