import type { Realm as RealmClass } from 'realm-wasm';

/** Which engine was loaded. */
export declare const engineName: 'native' | 'wasm';

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
