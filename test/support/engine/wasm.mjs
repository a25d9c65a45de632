/**
 * Loads the WebAssembly engine under Node. It was built for browsers and finds the network in four globals, which
 * must be there before it is imported; two of them are needed while it loads only, and are taken back.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { createSocketClass } from './engine-web-socket.mjs';
import { EngineXmlHttpRequest } from './engine-xml-http-request.mjs';

// The bundle is not in the package's exports map; package.json is, and the bundle lies beside it.
const packageUrl = pathToFileURL(createRequire(import.meta.url).resolve('realm-wasm/package.json'));

globalThis.XMLHttpRequest = EngineXmlHttpRequest;
globalThis.WebSocket = createSocketClass(findUser);
const { default: Realm } = await withBrowserGlobals(
  () => import(new URL('dist/bundle.browser.mjs', packageUrl).href),
);

/** Every App of the process: a garbage-collected one would block this thread while it waits for its sync client. */
const apps = [];
Realm.App = class extends Realm.App {
  constructor(configuration) {
    super(configuration);
    apps.push(this);
  }
};

export default Realm;

// test/support/end-of-tests.mjs asks for it.
globalThis[Symbol.for('realm-wasm')] = true;

/** Ends every session, including those with pending uploads. */
export function endSessions() {
  const users = apps.flatMap((app) => Object.values(app.allUsers));
  for (const session of users.flatMap((user) => Realm.App.Sync.getAllSyncSessions(user))) session.pause();
}

/** `window` would tell every other package in the process that it runs in a browser: it is there while loading only. */
async function withBrowserGlobals(load) {
  const nodeFetch = globalThis.fetch;
  globalThis.fetch = (resource, init) =>
    String(resource).startsWith('file:') ? readWasm(new URL(resource)) : nodeFetch(resource, init);
  globalThis.window = globalThis;
  globalThis.navigator ??= { userAgent: `Node.js/${process.versions.node}` }; // Node 20 has none
  try {
    return await load();
  } finally {
    globalThis.fetch = nodeFetch;
    delete globalThis.window;
  }
}

async function readWasm(url) {
  return new globalThis.Response(await readFile(url), { headers: { 'content-type': 'application/wasm' } });
}

/** The user whose access token is in a sync URL: the engine's sockets know nothing but that URL. */
function findUser(accessToken) {
  const { sub } = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString());
  return apps.map((app) => app.allUsers[sub]).find((user) => user !== undefined);
}
