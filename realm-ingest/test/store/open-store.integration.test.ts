import assert from 'node:assert/strict';
import { mkdtempSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { InvalidOptionError } from '../../../src/wire/telemetry-error.js';
import { openStore, type OpenStoreOptions } from '../../src/store/open-store.js';
import { StoreError } from '../../src/store/store-error.js';
import type { Store } from '../../src/store/store.js';

describe('openStore', () => {
  let directory: string;
  let path: string;
  const stores: Store[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'open-store-'));
    path = join(directory, 'telemetry.db');
  });
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
    rmSync(directory, { recursive: true });
  });

  const open = async (
    mode: OpenStoreOptions['mode'],
    url = `sqlite:${path}`,
    options: Partial<OpenStoreOptions> = {},
  ) => {
    const store = await openStore(url, { mode, busyTimeoutMillis: 50, ...options });
    stores.push(store);
    return store;
  };
  const rejectsWith = async (code: string, opening: Promise<Store>, message = /./) => {
    await assert.rejects(opening, (error) => {
      assert.ok(error instanceof StoreError, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
  };

  describe('by URL', () => {
    const invalid = [
      ...[
        '',
        'sqlite:',
        'sqlite::memory:',
        'sqlite:///',
        'sqlite:data/',
        'sqlite://host/data.db',
        'sqlite:a\0b',
      ],
      ...[
        'telemetry.db',
        '/telemetry.db',
        'postgres://host/db',
        'http://host',
        'mongodb',
        'file:telemetry.db',
      ],
    ];
    for (const url of invalid) {
      it(`refuses ${JSON.stringify(url)}`, async () => {
        await assert.rejects(open('serve', url), InvalidOptionError);
      });
    }

    it('repeats no password', async () => {
      for (const url of [
        'mongodb://u:secret@host',
        'mongodb+srv://u:secret@host/',
        'mongodb://u:secret@host/admin',
        'mongodb://u:secret@host/db?unheardOf=1',
        `mongodb://u:secret@host/${'é'.repeat(32)}`,
        'mongodb://u:sec@ret/secret@host:x/db',
        'x://u:secret@host',
      ]) {
        await assert.rejects(open('serve', url), (error: Error) => {
          assert.ok(error instanceof InvalidOptionError);
          assert.doesNotMatch(error.message, /secret/);
          assert.match(error.message, url.startsWith('mongo') ? /HOST\/DATABASE/ : /sqlite:PATH/);
          return true;
        });
      }
    });

    it('takes an absolute path, and one from the working directory', async () => {
      await (await open('serve', `sqlite:${path}`)).close();
      await (await open('serve', `sqlite://${path}`)).close();
      await (await open('serve', `SQLite:${relative(process.cwd(), path)}`)).close();
      assert.deepEqual(
        readdirSync(directory).filter((name) => name.endsWith('.db')),
        ['telemetry.db'],
      );
    });

    it('takes every character of a path as it is', async () => {
      const name = 'a b%20?mode=ro#é:\'"';
      await open('serve', `sqlite:${join(directory, name)}`);
      assert.ok(readdirSync(directory).includes(name));
    });

    it('refuses what only MongoDB can do', async () => {
      for (const [options, message] of [
        [{ retentionSeconds: 60 }, /SQLite deletes nothing/],
        [{ indexAttributes: true }, /CREATE INDEX/],
        [{ collections: { Span: 'traces' } }, /CREATE VIEW traces AS SELECT \* FROM Span/],
      ] as const) {
        const opening = open('serve', undefined, options);
        await assert.rejects(opening, InvalidOptionError);
        await assert.rejects(opening, message);
      }
      await open('serve', undefined, { indexAttributes: false, collections: {} });
    });

    it('refuses options out of range', async () => {
      for (const options of [{ maxDeadLetterBytes: -1 }, { busyTimeoutMillis: 1.5 }]) {
        await assert.rejects(open('serve', undefined, options), InvalidOptionError);
      }
    });
  });

  describe('a file that is not there', () => {
    it('is made by serve and by commands, for the owner alone', async () => {
      const store = await open('command');
      await store.ping();
      for (const name of readdirSync(directory)) {
        assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600, name);
      }
    });

    it('is missed by a command that only reads', async () => {
      await rejectsWith('store-not-found', open('read'), /no file/);
      assert.deepEqual(readdirSync(directory), []);
    });

    it('is missed where its directory is not there either', async () => {
      await rejectsWith(
        'store-not-found',
        open('serve', `sqlite:${directory}/no/x.db`),
        /no directory .*\/no;/,
      );
    });
  });

  describe('something that is no store', () => {
    it('such as a directory', async () => {
      mkdirSync(path);
      await rejectsWith('store-not-found', open('serve'), /not a file/);
    });

    it('such as a text', async () => {
      writeFileSync(path, 'Dear diary, '.repeat(1000));
      await rejectsWith('store-corrupt', open('serve'), /not a database/);
    });

    it('such as an empty file, to a command that only reads', async () => {
      writeFileSync(path, '');
      await rejectsWith('store-incompatible', open('read'), /serve it once/);
      assert.equal(statSync(path).size, 0);
    });
  });

  describe('a file that is served', () => {
    it('is served by one only, whatever it is called', async () => {
      await open('serve');
      await rejectsWith('store-in-use', open('serve'));
      const alias = join(directory, 'alias.db');
      symlinkSync(path, alias);
      await rejectsWith('store-in-use', open('serve', `sqlite:${alias}`));
    });

    it('is free when its server has closed it, and when it could not be opened', async () => {
      await (await open('serve')).close();
      await (await open('serve')).close();
      writeFileSync(join(directory, 'bad.db'), 'no database'.repeat(1000));
      for (let attempt = 0; attempt < 2; attempt += 1) {
        await rejectsWith('store-corrupt', open('serve', `sqlite:${directory}/bad.db`));
      }
    });

    it('waits for a server that is on its way out', async () => {
      const first = await open('serve');
      const second = open('serve', undefined, { busyTimeoutMillis: 20_000 });
      await first.close();
      await (await second).ping();
    });

    it('is open to commands, which may write', async () => {
      const server = await open('serve');
      const command = await open('command');
      await command.revocations.add('a', new Date());
      assert.equal(await server.revocations.has(['a']), true);
      await server.revocations.add('b', new Date());
      assert.equal(await command.revocations.has(['b']), true);
    });

    it('is open to commands that only read, and do not write', async () => {
      await open('serve');
      const reader = await open('read');
      assert.deepEqual(await reader.collections(), []);
      await assert.rejects(reader.revocations.add('a', new Date()), StoreError);
    });
  });
});
