import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { InvalidOptionError } from '../../../src/wire/telemetry-error.js';
import { openStore, type OpenStoreOptions } from '../../src/store/open-store.js';
import type { Store } from '../../src/store/store.js';
import { isStoreError } from '../support/store-fixture.js';

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

    it('never quotes a password', async () => {
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

    it('accepts an absolute path, and one from the working directory', async () => {
      await (await open('serve', `sqlite:${path}`)).close();
      await (await open('serve', `sqlite://${path}`)).close();
      await (await open('serve', `SQLite:${relative(process.cwd(), path)}`)).close();
      assert.deepEqual(
        readdirSync(directory).filter((name) => name.endsWith('.db')),
        ['telemetry.db'],
      );
    });

    it('takes every character of a path literally', async () => {
      const name = 'a b%20?mode=ro#é:\'"';
      await open('serve', `sqlite:${join(directory, name)}`);
      assert.ok(readdirSync(directory).includes(name));
    });

    it('refuses options of MongoDB only', async () => {
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

  describe('of a served SQLite file', () => {
    it('rejects with the error of the store’s thread', async () => {
      await open('serve');
      await assert.rejects(open('serve'), isStoreError('store-in-use', false));
    });

    it('waits for a server that is closing', async () => {
      const first = await open('serve');
      const second = open('serve', undefined, { busyTimeoutMillis: 20_000 });
      await first.close();
      await (await second).ping();
    });
  });
});
