import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../../src/store/open-store.js';
import { Database } from '../../../src/store/sqlite/database.js';
import { keepsStoreContract } from '../store-contract.js';

describe('the SQLite store', () => {
  keepsStoreContract(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sqlite-store-'));
    const path = join(directory, 'telemetry.db');
    const url = `sqlite:${path}`;
    let database: Database | undefined;
    return {
      open: (options) => openStore(url, { mode: 'serve', ...options }),
      clear: () => {
        database ??= new Database(path, 5000);
        const tables = ['documents', 'client_files', 'dead_letters', 'api_keys', 'revocations', 'settings'];
        database.execute(tables.map((table) => `DELETE FROM ${table}`).join('; '));
      },
      remove: () => {
        database?.close();
        return rm(directory, { recursive: true });
      },
    };
  });
});
