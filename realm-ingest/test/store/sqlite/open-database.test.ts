import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreError } from '../../../src/store/store-error.js';
import type { StoreMode } from '../../../src/store/store.js';
import { openDatabase, type OpenedDatabase } from '../../../src/store/sqlite/open-database.js';
import { operations } from '../../../src/store/sqlite/operations.js';

describe('openDatabase', () => {
  let directory: string;
  let path: string;
  const opened: OpenedDatabase[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'open-database-'));
    path = join(directory, 'telemetry.db');
  });
  afterEach(() => {
    opened.splice(0).forEach(close);
    rmSync(directory, { recursive: true });
  });

  function open(mode: StoreMode, of = path): OpenedDatabase {
    const options = { maxDeadLetterBytes: 2 ** 30, classPrefix: '', busyTimeoutMillis: 20 };
    const result = openDatabase({ path: of, mode, ...options });
    opened.push(result);
    return result;
  }
  function close({ database, lock }: OpenedDatabase): void {
    database.close();
    lock?.release();
  }
  function refuses(code: string, mode: StoreMode, of?: string, message = /./): void {
    assert.throws(
      () => open(mode, of),
      (error) => {
        assert.ok(error instanceof StoreError, String(error));
        assert.equal(error.code, code);
        assert.match(error.message, message);
        return true;
      },
    );
  }

  describe('of a missing file', () => {
    it('creates it for serve and for commands, for the owner alone', () => {
      const { database } = open('command');
      operations.ping(database);
      for (const name of readdirSync(directory)) {
        assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600, name);
      }
    });

    it('refuses to read it', () => {
      refuses('store-not-found', 'read', path, /no file/);
      assert.deepEqual(readdirSync(directory), []);
    });

    it('refuses a missing directory too', () => {
      refuses('store-not-found', 'serve', `${directory}/no/x.db`, /no directory .*\/no;/);
    });
  });

  describe('of something else', () => {
    it('refuses a directory', () => {
      mkdirSync(path);
      refuses('store-not-found', 'serve', path, /not a file/);
    });

    it('refuses a text', () => {
      writeFileSync(path, 'Dear diary, '.repeat(1000));
      refuses('store-corrupt', 'serve', path, /not a database/);
    });

    it('refuses to read an empty file', () => {
      writeFileSync(path, '');
      refuses('store-incompatible', 'read', path, /run `serve` once to migrate it/);
      assert.equal(statSync(path).size, 0);
    });
  });

  describe('of a file that is served', () => {
    it('refuses a second server, under any name of the file', () => {
      open('serve');
      refuses('store-in-use', 'serve');
      const alias = join(directory, 'alias.db');
      symlinkSync(path, alias);
      refuses('store-in-use', 'serve', alias);
    });

    it('succeeds after its server has closed it', () => {
      open('serve');
      opened.splice(0).forEach(close);
      open('serve');
    });

    it('leaves no lock when it fails', () => {
      const bad = join(directory, 'bad.db');
      writeFileSync(bad, 'no database'.repeat(1000));
      for (let attempt = 0; attempt < 2; attempt += 1) refuses('store-corrupt', 'serve', bad);
    });

    it('lets commands read and write', () => {
      const server = open('serve').database;
      const command = open('command').database;
      operations.addRevocation(command, 'a', new Date());
      assert.equal(operations.hasRevocation(server, ['a']), true);
      operations.addRevocation(server, 'b', new Date());
      assert.equal(operations.hasRevocation(command, ['b']), true);
    });

    it('lets readers read only', () => {
      open('serve');
      const reader = open('read').database;
      assert.deepEqual(operations.listCollections(reader), []);
      assert.throws(() => {
        operations.addRevocation(reader, 'a', new Date());
      }, StoreError);
    });
  });
});
