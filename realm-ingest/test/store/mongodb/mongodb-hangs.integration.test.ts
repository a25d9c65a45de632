import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { resolveCollectionNames } from '../../../src/store/collection-names.js';
import { ClientCommands } from '../../../src/store/mongodb/client-commands.js';
import { defaultTiming, type CommandTiming } from '../../../src/store/mongodb/command-timing.js';
import type { Driver } from '../../../src/store/mongodb/driver.js';
import { openMongodbStore } from '../../../src/store/mongodb/open-mongodb-store.js';
import type { Store } from '../../../src/store/store.js';
import { describeProxiedMongodb, MongodbProxy } from '../../../../test/support/mongodb/mongodb-proxy.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/mongodb/test-database.js';
import { badChangeset, collect, file, map, noLetters, upload } from '../../support/commit-request.js';
import { isStoreError } from '../../support/store-fixture.js';

/** Long enough for an answer of a busy server, and short enough for a test. */
const deadlineMillis = 1500;

const short: Partial<CommandTiming> = {
  readMillis: deadlineMillis,
  writeMillis: deadlineMillis,
  scanMillis: deadlineMillis,
};

const drivers: readonly (readonly [string, () => Promise<Driver>])[] = [
  ['7', () => import('mongodb')],
  ['6', async () => (await import('mongodb-6')) as unknown as Driver],
];

for (const [version, loadDriver] of drivers) {
  describeProxiedMongodb(`the MongoDB store, driver ${version}, when no answer comes`, () => {
    let database: TestDatabase;
    let proxy: MongodbProxy;
    let store: Store | undefined;
    /** Of this process, the proxy's own included, newest last. */
    let sockets: Socket[];
    /** Those of the driver. */
    const driverSockets = (): Socket[] =>
      sockets.filter(({ remotePort }) => String(remotePort) === new URL(proxy.uri).port);

    const note = (message: unknown): void => {
      sockets.push((message as { socket: Socket }).socket);
    };

    beforeEach(async () => {
      database = await createTestDatabase();
      proxy = await MongodbProxy.create(database.uri);
      sockets = [];
      subscribe('net.client.socket', note);
    });

    afterEach(async () => {
      unsubscribe('net.client.socket', note);
      await store?.close();
      store = undefined;
      await proxy.close();
      await database.remove();
    });

    /** With one connection: a command that does not return it leaves none for the next. */
    const open = async (mode: 'serve' | 'command' = 'command', maxPoolSize = 1): Promise<Store> => {
      store = await openMongodbStore({
        ...{ url: `${proxy.uri}&maxPoolSize=${maxPoolSize}`, mode, loadDriver, timing: short },
        ...{ maxDeadLetterBytes: 2 ** 30, names: resolveCollectionNames({}) },
        ...{ retentionSeconds: undefined, indexAttributes: false, logger: undefined, signal: undefined },
      });
      return store;
    };

    const one = upload([map({ _id: 1n })]);
    const bad = badChangeset(new Uint8Array([7]));
    const key = { id: 'a', hash: new Uint8Array(32), userName: 'a', createdAt: new Date() };

    /** A command that gets no answer, and what of the store's is then under way. */
    const hangs: readonly (readonly [string, string, (store: Store) => Promise<unknown>, RegExp])[] = [
      ['insert', 'Span', (store) => store.commit(one), /insert into Span/],
      ['update', 'realm_ingest.client_files', (store) => store.commit(one), /update of a client file/],
      ['find', 'Span', (store) => store.commit(one).then(() => store.commit(one)), /find in Span/],
      ['aggregate', 'realm_ingest.dead_letters', (store) => store.commit(bad), /count dead letters/],
      [
        'find',
        'realm_ingest.client_files',
        (store) => store.findClientFile(file.ident),
        /find a client file/,
      ],
      ['find', 'realm_ingest.settings', (store) => store.ping(), /ping/],
      ['find', 'realm_ingest.settings', (store) => store.loadSecret(), /find the secret/],
      [
        'update',
        'realm_ingest.settings',
        (store) => store.keepFingerprint(new Uint8Array(32)),
        /fingerprint/,
      ],
      ['insert', 'realm_ingest.api_keys', (store) => store.apiKeys.create(key), /insert of an API key/],
      ['find', 'realm_ingest.api_keys', (store) => store.apiKeys.list(), /find API keys/],
      ['listCollections', '', (store) => store.collections(), /listCollections/],
      [
        'findAndModify',
        'realm_ingest.dead_letters',
        async (store) => {
          await store.commit(bad);
          const [letter] = await collect(store.deadLetters.list());
          await store.deadLetters.delete(letter!.key);
        },
        /delete of a dead letter/,
      ],
    ];
    for (const [name, collection, use, what] of hangs) {
      it(`to ${name} (${what.source}): fails in time, and continues`, async () => {
        const opened = await open();
        const held = proxy.hold((command) => command.name === name && command.collection === collection);
        const using = use(opened);
        await held;
        await assert.rejects(using, isStoreError('store-unavailable', true));
        await assert.rejects(using, /no answer within 1\.5 s/);
        await assert.rejects(using, what);
        await opened.ping();
        assert.equal((await opened.commit(upload([map({ _id: 2n })]))).stored, 1);
      });
    }

    it('to a later step of a cursor: fails in time, however slow the reader was', async () => {
      const documents = Array.from({ length: 600 }, (_, n) => map({ _id: BigInt(n) }));
      // The driver gives getMore no signal: its connection comes back with the end of the socket's patience.
      const opened = await open('command', 2);
      await opened.commit(upload(documents));
      const held = proxy.hold(({ name }) => name === 'getMore');
      const reading = opened.documents('Span')[Symbol.asyncIterator]();
      for (let n = 0; n < 500; n += 1) assert.equal((await reading.next()).done, false);
      const next = reading.next();
      await held;
      await assert.rejects(next, isStoreError('store-unavailable', true));
      assert.equal((await collect(opened.documents('Span'))).length, 600);
    });

    it('at the start: a command fails in time', async () => {
      const held = proxy.hold(({ name }) => name === 'createIndexes');
      const opening = open();
      await held;
      await assert.rejects(opening, isStoreError('store-unavailable', true));
      await assert.rejects(opening, /indexes of the dead letters/);
    });

    it('at the start: serve tries again', async () => {
      const held = proxy.hold(({ name }) => name === 'listCollections');
      const opening = open('serve');
      await held;
      assert.equal((await (await opening).commit(one)).stored, 1);
    });

    it('because its socket has just ended: uses another', async () => {
      const opened = await open();
      for (const socket of driverSockets()) socket.destroy();
      // Before their `close` events, which the driver waits for.
      assert.equal(await opened.findClientFile(file.ident), undefined);
      for (const socket of driverSockets()) socket.destroy();
      assert.deepEqual(await opened.commit(one), { stored: 1, duplicates: 0, ...noLetters });
    });

    it('from the driver, to a command on a socket that has just ended: ends at the deadline', async () => {
      const { MongoClient } = await loadDriver();
      const client = new MongoClient(`${proxy.uri}&maxPoolSize=1`);
      const commands = new ClientCommands(client, 'telemetry', { ...defaultTiming, ...short });
      const ping = () =>
        commands.run('read', 'ping', (signal) => client.db().command({ ping: 1 }, { signal }));
      try {
        await ping();
        driverSockets().at(-1)!.destroy();
        const hanging = ping();
        await assert.rejects(hanging, isStoreError('store-unavailable', true));
        await assert.rejects(hanging, /no answer within 1\.5 s \(ping\)/);
        // The connection is back in the pool.
        await ping();
      } finally {
        await commands.close('it is closed');
      }
    });
  });
}
