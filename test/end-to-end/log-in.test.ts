import assert from 'node:assert/strict';
import Realm, { BSON, engineName } from '../support/engine/realm.mjs';
import { describeStores } from '../support/describe-stores.js';
import { closeDevices, openDevice } from '../support/device.js';
import { runCommand } from '../support/ingest-process.js';
import { startIngest, type Ingest, type IngestSettings } from '../support/ingest.js';
import { Network } from '../support/network.js';
import type { Scratch } from '../support/scratch.js';
import { storedCount } from '../support/stored.js';

const appId = 'log-in';
const schema: Realm.ObjectSchema[] = [
  { name: 'Note', asymmetric: true, primaryKey: '_id', properties: { _id: 'objectId' } },
];

describeStores(`log-in of realm-js (${engineName} engine)`, (kind) => {
  let scratch: Scratch;
  let server: Ingest | undefined;

  beforeEach(async () => {
    scratch = await kind.createScratch();
  });

  afterEach(async () => {
    closeDevices();
    await server?.close();
    server = undefined;
    await scratch.remove();
  });

  it('takes anonymous users if they are allowed', async () => {
    const { url } = await start({ allowAnonymous: true });
    const { user } = await openDevice({ baseUrl: url, appId, schema });
    assert.match(user.id, /^anon-/);
  });

  it('refuses anonymous users if they are not', async () => {
    const { url } = await start({ allowAnonymous: false });
    const app = new Realm.App({ id: appId, baseUrl: url });
    await assert.rejects(app.logIn(Realm.Credentials.anonymous()), /anonymous log-in is not enabled/);
  });

  it('takes an API key that `realm-ingest keys create` made', async () => {
    const key = await createKey('gateway 7');
    const { url } = await start({ allowAnonymous: false });
    const device = await openDevice({
      baseUrl: url,
      appId,
      schema,
      credentials: Realm.Credentials.apiKey(key),
    });
    device.write('Note', { _id: new BSON.ObjectId() });
    await device.uploaded();
    assert.equal(await storedCount(scratch.store, 'Note'), 1);
    assert.doesNotMatch(device.user.id, /^anon-/);
  });

  it('refuses an API key that nobody made', async () => {
    const { url } = await start({ allowAnonymous: true });
    const app = new Realm.App({ id: appId, baseUrl: url });
    await assert.rejects(app.logIn(Realm.Credentials.apiKey('no such key')), /invalid API key/);
  });

  it('says that custom JWTs are not enabled', async () => {
    const { url } = await start({ allowAnonymous: true });
    const app = new Realm.App({ id: appId, baseUrl: url });
    await assert.rejects(app.logIn(Realm.Credentials.jwt('a.b.c')), /custom JWT is not enabled/);
  });

  it('goes on with a fresh token when the old one has expired', async () => {
    const { url } = await start({ allowAnonymous: true, accessTokenSeconds: 1 });
    const network = await Network.create();
    network.connectTo(url);
    const device = await openDevice({ baseUrl: network.url, appId, schema });
    for (let n = 1; n <= 3; n++) {
      const token = device.user.accessToken ?? '';
      await waitForExpiry(token);
      network.drop();
      device.write('Note', { _id: new BSON.ObjectId() });
      await device.uploaded();
      assert.equal(await storedCount(scratch.store, 'Note'), n);
      assert.notEqual(device.user.accessToken, token);
    }
    await network.close();
  });

  async function start(settings: Partial<IngestSettings>): Promise<Ingest> {
    server = await startIngest({ appId, store: scratch.store, classes: ['Note'], ...settings });
    return server;
  }

  async function createKey(userName: string): Promise<string> {
    const command = ['keys', 'create', '--store', scratch.store, '--user', userName];
    return (await outputOf(command)).trim();
  }
});

/** Standard output of one command, which must succeed. */
async function outputOf(args: string[]): Promise<string> {
  const child = runCommand(args);
  let output = '';
  let errors = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(code, 0, errors);
  return output;
}

/** Until the second in which a token expires is over. */
async function waitForExpiry(token: string): Promise<void> {
  const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    exp: number;
  };
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, exp * 1000 - Date.now()) + 10));
}
