import type * as bson from 'bson';
import type { Realm as RealmClass } from 'realm-wasm';

/** Which engine was loaded. */
export declare const engineName: 'native' | 'wasm';

/** The engine's own BSON: another copy's classes are not taken for what they are. */
export declare const BSON: Pick<typeof bson, 'ObjectId' | 'UUID' | 'Decimal128' | 'Binary' | 'EJSON'>;

/** The type is that of the WebAssembly engine's version, 12.0; later ones of 12.x only add to it. */
declare const Realm: typeof RealmClass;
declare namespace Realm {
  export type App = RealmClass.App;
  export type User = RealmClass.User;
  export type ObjectSchema = RealmClass.ObjectSchema;
}
/** One opened Realm. */
type Realm = RealmClass;
export default Realm;
