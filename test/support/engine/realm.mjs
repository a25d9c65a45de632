/**
 * The Realm engine of tests and example: `import Realm, { engineName } from '…/test/support/engine/realm.mjs'` takes the
 * place of an app's `import Realm from 'realm'`.
 *
 * If the native `realm` package is installed and loads, it is used. Otherwise it is the same engine compiled to
 * WebAssembly (`realm-wasm`, an alias of realm@12.0.0-browser.2), which syncs for real but keeps its files in memory:
 * unacknowledged objects are lost with the process. `REALM_ENGINE=native` or `wasm` asks for one of them.
 *
 *     const app = new Realm.App({ id: 'my-app', baseUrl: 'http://127.0.0.1:9090' });
 *     const user = await app.logIn(Realm.Credentials.anonymous());
 *     const realm = await Realm.open({ schema, sync: { user, flexible: true } });
 *     realm.write(() => realm.create('Measurement', { _id: new Realm.BSON.ObjectId() }));
 *     await realm.syncSession.uploadAllLocalChanges(10_000);
 *     process.exit();   // the WebAssembly engine keeps a process alive, also after close()
 *
 * One thread: sync work is done between your turns of the event loop, so await something after writing. An exception
 * inside `write()` breaks the WebAssembly engine for good. Closing the last handle of a Realm whose session is not
 * active erases its file, unsynced objects included.
 *
 * This is not published: apps install `realm`.
 *
 * @module
 */
import { loadNative } from './native.mjs';

const wanted = process.env['REALM_ENGINE'];

const native = wanted === 'wasm' ? undefined : await loadNative();
if (wanted === 'native' && native === undefined)
  throw new Error('REALM_ENGINE=native, but realm does not load');

/** @type {'native' | 'wasm'} */
export const engineName = native === undefined ? 'wasm' : 'native';

const wasm = native === undefined ? await import('./wasm.mjs') : undefined;
const Realm = native ?? wasm.default;
export default Realm;

/**
 * Ends what closing leaves behind on the WebAssembly engine: a session that has something to upload goes on dialling in
 * the one thread of the process, and a fake clock would make it dial a thousand times a second. Nothing on the native one.
 */
export const endSessions = wasm?.endSessions ?? (() => undefined);

/** The engine's own BSON: it does not recognise the classes of another copy. */
export const BSON = Realm.BSON;
